import { login, type TestUser } from './test-user.ts';

interface Accounts {
  readonly host: string;
  readonly c2sPort: number;
  readonly domain: string;
  readonly passwords: ReadonlyMap<string, string>;
}

/**
 * Takes from these users what earlier runs have left with them on a server that is not our own: contacts, requests for a
 * subscription, stored messages. Without that, a test would find another's.
 */
export async function cleanSlate(accounts: Accounts): Promise<void> {
  for (const name of accounts.passwords.keys()) await cleanAccount(accounts, name);
}

async function cleanAccount({ host, c2sPort: port, domain, passwords }: Accounts, name: string): Promise<void> {
  const password = passwords.get(name) ?? '';
  const resource = `clean-${Date.now().toString(36)}`;
  const quiet = { presence: false, autoReceipt: false };
  const user = await login({ host, port, domain, username: name, password, resource, ...quiet });
  try {
    for (const jid of (await user.roster()).keys()) await user.removes(jid);
    // With that the server hands over what it has stored, and each open request.
    await user.available();
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
