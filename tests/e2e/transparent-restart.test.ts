// The server is restarted in order while people write to each other, in the open and encrypted (OMEMO, which has no body).

import { setTimeout as sleep } from 'node:timers/promises';
import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { MAY_END_SERVER, NO_COPIES, OWN_SERVER, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const NS_OMEMO = 'eu.siacs.conversations.axolotl';
const SETTINGS = { MODE: 'transparent', ...NO_COPIES, LOG_LEVEL: 'info', MESSAGE_TTL: '600s', DEDUP_WINDOW: '1200s' };
const HOLDS = 'The gate holds messages for us';
const MESSAGES = 300;
/** ms; no time that is measured: how long a busy machine may take at most. */
const LONG = 180_000;

let world: World;
let proxy: ProxyProcess;

beforeEach(async () => {
  world = await World.open({ gate: true });
  proxy = new ProxyProcess(world.environment(SETTINGS));
  await proxy.prints(HOLDS);
});
afterEach(async () => {
  await proxy.signal('SIGKILL');
  await world.close();
});

/** As Conversations writes it. */
function encrypted(to: string, id: string): Element {
  const key = xml('key', { rid: '12345' }, 'MwohBQ==');
  const header = xml('header', { sid: '67890' }, key, xml('iv', {}, 'AAAAAAAAAAAAAAAA'));
  return xml(
    'message',
    { to, type: 'chat', id },
    xml('encrypted', { xmlns: NS_OMEMO }, header, xml('payload', {}, Buffer.from(id).toString('base64'))),
    xml('encryption', { xmlns: 'urn:xmpp:eme:0', name: 'OMEMO', namespace: NS_OMEMO }),
    xml('store', { xmlns: 'urn:xmpp:hints' }),
    xml('origin-id', { xmlns: 'urn:xmpp:sid:0', id }),
    xml('markable', { xmlns: 'urn:xmpp:chat-markers:0' }),
    xml('request', { xmlns: 'urn:xmpp:receipts' }),
  );
}

/** What a message says, in the open or encrypted; empty where it says nothing. */
function said(stanza: Element): string {
  const payload = stanza.getChild('encrypted', NS_OMEMO)?.getChildText('payload');
  return payload ? Buffer.from(payload, 'base64').toString() : (stanza.getChildText('body') ?? '');
}

const heardBy = (user: TestUser) =>
  user.received
    .filter(({ name, attrs }) => name === 'message' && attrs.type !== 'error')
    .map(said)
    .filter(Boolean);

/** Ids that alice has heard of: as stored, and as delivered. */
function told(alice: TestUser) {
  const [stored, delivered] = [new Set<string>(), new Set<string>()];
  alice.listen((stanza) => {
    const one = stanza.getChild('stored', 'urn:openfire-receipts:0')?.attrs.id;
    const other = stanza.getChild('received', 'urn:xmpp:receipts')?.attrs.id;
    if (one !== undefined) stored.add(one);
    if (other !== undefined) delivered.add(other);
  });
  return { stored, delivered };
}

/** Each once, in the order in which they were written. */
const inOrder = (ids: readonly string[]) =>
  [...new Set(ids)].sort((one, other) => Number(one.replace(/\D+/, '')) - Number(other.replace(/\D+/, '')));

(MAY_END_SERVER ? test : test.skip).each([
  ['without', false],
  ['with', true],
])(
  'what was acknowledged comes, in its order; what was confirmed comes no more, nor twice what is kept for who is away (%s stream management)',
  async (_, streamManagement) => {
    const bob = await world.user('bob', { streamManagement });
    const alice = await world.user('alice');
    const [to, away] = [bob.bare, `carol@${world.xmpp.domain}`];
    const { stored, delivered } = told(alice);
    let isOver = false;
    const written = (async () => {
      for (let i = 0; !isOver && i < MESSAGES; i += 1) {
        for (const [one, id] of [
          [to, `m${i}`],
          [away, `away m${i}`],
        ] as const) {
          const saying = i % 2 === 0 ? alice.say(one, id, { id }) : alice.send(encrypted(one, id));
          // Her connection ends with the server.
          await saying.catch(() => {
            isOver = true;
          });
        }
        await sleep(2);
      }
    })();
    await until(() => stored.size > MESSAGES, { what: 'acknowledgements', within: LONG });
    await world.xmpp.process?.restart();
    isOver = true;
    await written;
    const seen = heardBy(bob);
    const confirmed = new Set(delivered);
    const [, next, there] = await Promise.all([
      world.comesBack('alice'),
      world.comesBack('bob'),
      world.comesBack('carol'),
    ]);
    const isAway = (id: string) => id.startsWith('away ');
    const [forBob, forCarol] = [[...stored].filter((id) => !isAway(id)), [...stored].filter(isAway)];
    const bobs = () => [...seen, ...heardBy(next)];
    await until(() => forBob.every((id) => bobs().includes(id)), { what: 'all of bob’s', within: LONG });
    await until(() => forCarol.every((id) => heardBy(there).includes(id)), { what: 'all of carol’s', within: LONG });
    // Behind all that was still to come.
    const back = await world.comesBack('alice');
    for (const one of [to, away]) await back.delivered(await back.say(one, 'last'), { within: LONG });
    const carols = heardBy(there).slice(0, -1);
    expect(carols).toHaveLength(new Set(carols).size);
    // Openfire unloads the gate before it ends its sessions: receipts that pass between the two are seen by nobody. And it hands out in any
    // order what it has stored within one millisecond.
    if (!OWN_SERVER) return;
    expect(heardBy(next).filter((id) => confirmed.has(id))).toEqual([]);
    expect([...new Set(bobs().slice(0, -1))]).toEqual(inOrder(bobs().slice(0, -1)));
    expect(carols).toEqual(inOrder(carols));
  },
  3 * LONG,
);
