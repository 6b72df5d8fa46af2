import { randomUUID } from 'node:crypto';
import xml from '@xmpp/xml';
import { login, type TestUser } from './test-user.ts';

const NS_DISCO = 'http://jabber.org/protocol/disco#items';
const NS_OWNER = 'http://jabber.org/protocol/pubsub#owner';

interface Accounts {
  readonly host: string;
  readonly c2sPort: number;
  readonly domain: string;
  readonly passwords: ReadonlyMap<string, string>;
}

/**
 * Takes from these users what earlier runs have left with them on a server that is not our own: sessions that may be
 * resumed, contacts, requests for a subscription, stored messages, published items. Without that, a test would find another's.
 */
export async function cleanSlate(accounts: Accounts): Promise<void> {
  for (const name of accounts.passwords.keys()) await cleanAccount(accounts, name);
}

async function cleanAccount({ host, c2sPort: port, domain, passwords }: Accounts, name: string): Promise<void> {
  const password = passwords.get(name) ?? '';
  const resource = `clean-${Date.now().toString(36)}`;
  const quiet = { presence: false, autoReceipt: false };
  const come = (as: string) => login({ host, port, domain, username: name, password, resource: as, ...quiet });
  const user = await come(resource);
  try {
    // In the session that deletes two, Openfire 4.2 may answer nothing any more (observed on 4.2.4).
    for (const [i, node] of (await nodes(user)).entries()) {
      const deleter = await come(`${resource}-${i}`);
      await deleter.send(deletion(node));
      await deleter.offline();
    }
    for (const jid of (await user.roster()).keys()) await user.removes(jid);
    // With that the server hands over what it has stored, and each open request.
    await user.available();
    // A program that was killed leaves a session, which gets what is for others until its time is over. Who takes its place ends it.
    for (const other of otherSessions(user)) await (await come(other)).offline();
    for (const requester of openRequests(user)) await user.denies(requester);
    for (const jid of (await user.roster()).keys()) await user.removes(jid);
  } finally {
    await user.offline();
  }
}

function openRequests(user: TestUser): string[] {
  const requests = user.unheard(({ name, attrs }) => name === 'presence' && attrs.type === 'subscribe');
  return requests.map(({ attrs }) => attrs.from ?? '');
}

/** Resources of those that have sent presence. */
function otherSessions(user: TestUser): string[] {
  const own = user.unheard(({ name, attrs }) => name === 'presence' && attrs.type === undefined);
  const resources = own.map(({ attrs }) => (attrs.from ?? '').split('/'));
  return resources.flatMap(([bare, resource]) =>
    bare === user.bare && resource !== undefined && resource !== user.jid.split('/')[1] ? [resource] : [],
  );
}

/** What he has published (XEP-0163), also a node that was made for others to read. */
async function nodes(user: TestUser): Promise<string[]> {
  const answer = await user.asks(user.bare, xml('query', { xmlns: NS_DISCO }));
  const items = answer.getChild('query', NS_DISCO)?.getChildren('item') ?? [];
  return items.flatMap(({ attrs }) => (attrs.node === undefined ? [] : [attrs.node]));
}

const deletion = (node: string) =>
  xml('iq', { type: 'set', id: randomUUID() }, xml('pubsub', { xmlns: NS_OWNER }, xml('delete', { node })));
