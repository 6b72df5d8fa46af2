// The transparent mode on a real Openfire, named by the E2E_ variables and OPENFIRE_HOME, with processes of the product: Openfire is
// killed, and started again by the command OPENFIRE_START; one of two processes is killed.

import { setTimeout as sleep } from 'node:timers/promises';
import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import { NO_OPENFIRE } from '../support/gate/openfire-gate.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { MAY_END_SERVER, NO_COPIES, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const HOLDS = 'The gate holds messages for us';
const MESSAGES = 200;
/** ms; no time that is measured: how long a busy machine may take at most. */
const LONG = 180_000;
/** Longer than Openfire takes to start on a busy machine: what is over by then ends without a word to whom it was not sent. */
const LIVES = { MESSAGE_TTL: '600s', DEDUP_WINDOW: '1200s' };
const SETTINGS = { MODE: 'transparent', ...NO_COPIES, ...LIVES, PROOF_GRACE: '1ms', LOG_LEVEL: 'info' };

if (NO_OPENFIRE !== undefined) console.info(`Skipped: ${NO_OPENFIRE}`);
else if (!MAY_END_SERVER) console.info('Skipped in part: OPENFIRE_START names no command that starts Openfire');

const texts = (prefix: string) => Array.from({ length: MESSAGES }, (_, i) => `${prefix}${i}`);

/** Ids that a user has heard of. */
function told(user: TestUser) {
  const stored = new Set<string>();
  const delivered: string[] = [];
  const failed = new Set<string>();
  user.listen((stanza: Element) => {
    const one = stanza.getChild('stored', 'urn:openfire-receipts:0')?.attrs.id;
    const other = stanza.getChild('received', 'urn:xmpp:receipts')?.attrs.id;
    if (one !== undefined) stored.add(one);
    if (other !== undefined) delivered.push(other);
    if (stanza.attrs.type === 'error') failed.add(stanza.attrs.id as string);
  });
  return { stored, delivered, failed };
}

/** Whether the component says so of all of them. */
async function areDelivered(sender: TestUser, to: string, ids: readonly string[]): Promise<boolean> {
  const NS = 'urn:openfire-receipts:0';
  for (let i = 0; i < ids.length; i += 100) {
    const messages = ids.slice(i, i + 100).map((id) => xml('message', { id, to }));
    const question = xml(
      'iq',
      { type: 'get', to: `receipts.${to.split('@')[1]}` },
      xml('status', { xmlns: NS }, ...messages),
    );
    const found = (await sender.iq(question)).getChild('status', NS)?.getChildren('message') ?? [];
    if (found.length < messages.length || found.some(({ attrs }) => attrs.state !== 'delivered')) return false;
  }
  return true;
}

(NO_OPENFIRE === undefined ? describe : describe.skip)('Openfire with the product', () => {
  let world: World;
  const processes: ProxyProcess[] = [];

  beforeEach(async () => {
    world = await World.open({ gate: true });
  });
  afterEach(async () => {
    for (const one of processes.splice(0)) await one.signal('SIGKILL');
    await world.close();
  });

  async function begin(): Promise<ProxyProcess> {
    const one = new ProxyProcess(world.environment(SETTINGS));
    processes.push(one);
    await one.prints(HOLDS);
    return one;
  }

  (MAY_END_SERVER ? test : test.skip)(
    'openfire-killed: what was acknowledged is delivered after its start, or its sender is told; what was confirmed comes no more',
    async () => {
      await begin();
      const bob = await world.user('bob');
      const alice = await world.user('alice');
      const before = told(alice);
      const to = bob.jid.split('/', 1)[0] as string;
      const away = `carol@${world.xmpp.domain}`;
      const all = texts('m');
      const written = (async () => {
        for (const text of all) {
          // Its connection ends with the server.
          await alice.say(to, text, { id: text }).catch(() => {});
          await alice.say(away, `away ${text}`, { id: `away ${text}` }).catch(() => {});
          await sleep(2);
        }
      })();
      await until(() => before.stored.size > MESSAGES, { what: 'half of the acknowledgements', within: LONG });
      await world.xmpp.process?.kill();
      await written;
      const acknowledged = [...before.stored].filter((text) => !text.startsWith('away '));
      const kept = [...before.stored].filter((text) => text.startsWith('away '));
      const confirmed = new Set(before.delivered);
      const seen = new Set(bob.bodies());
      await Promise.all([alice.offline().catch(() => {}), bob.offline().catch(() => {})]);
      await world.xmpp.process?.restart();
      const again = await world.comesBack('alice');
      const after = told(again);
      const next = await world.comesBack('bob');
      const arrived = () => new Set([...seen, ...next.bodies()]);
      await until(() => acknowledged.every((text) => arrived().has(text) || after.failed.has(text)), {
        what: 'all that was acknowledged',
        within: LONG,
      });
      const open = acknowledged.filter((text) => !confirmed.has(text));
      const isTold = (text: string) => after.delivered.includes(text) || after.failed.has(text);
      // What bob had confirmed may have been on its way to alice when the server died: that she learns by asking.
      await until(
        async () => {
          const quiet = open.filter((text) => !isTold(text));
          if (quiet.every((text) => seen.has(text)) && (await areDelivered(again, to, quiet))) return true;
          await sleep(500);
          return false;
        },
        { what: 'all receipts that were owed', within: LONG },
      );
      const shown = next.bodies().filter((text) => text?.startsWith('m')) as string[];
      expect(shown.filter((text) => confirmed.has(text))).toEqual([]);
      expect(shown).toEqual([...new Set(shown)].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))));
      // What the server had kept, and lost with its memory, or kept and gives as well.
      const carol = await world.comesBack('carol');
      await until(() => kept.every((text) => after.delivered.includes(text) || after.failed.has(text)), {
        what: 'all that was acknowledged for one who was away',
        within: LONG,
      });
      const theirs = carol.bodies().filter((text) => text?.startsWith('away ')) as string[];
      expect(theirs.filter((text, i) => theirs.indexOf(text) !== i)).toEqual([]);
      for (const text of kept) expect(theirs.includes(text) || after.failed.has(text)).toBe(true);
      const copies = shown.filter((text) => seen.has(text)).length;
      console.info(
        `${acknowledged.length} acknowledged, ${confirmed.size} confirmed; ${shown.length} came afterwards, ${copies} of them again. ` +
          `For one who was away ${kept.length} acknowledged, ${theirs.length} came`,
      );
    },
    4 * LONG,
  );

  test(
    'one of two processes is killed: nothing is lost, nothing comes twice, each conversation keeps its order',
    async () => {
      const first = await begin();
      await begin();
      const bob = await world.user('bob');
      const to = bob.jid.split('/', 1)[0] as string;
      const senders = [await world.user('alice'), await world.user('carol'), await world.user('dave')];
      const ledgers = senders.map(told);
      const written = senders.map(async (sender, i) => {
        for (const text of texts(`s${i}-`)) {
          await sender.say(to, text, { id: text });
          await sleep(2);
        }
      });
      await until(() => ledgers.every(({ delivered }) => delivered.length > MESSAGES / 3), {
        what: 'a third',
        within: LONG,
      });
      await first.signal('SIGKILL');
      await Promise.all(written);
      for (const [i, { delivered }] of ledgers.entries()) {
        await until(() => texts(`s${i}-`).every((text) => delivered.includes(text)), {
          what: 'all receipts',
          within: LONG,
        });
        expect(bob.bodies().filter((text) => text?.startsWith(`s${i}-`))).toEqual(texts(`s${i}-`));
      }
    },
    3 * LONG,
  );
});
