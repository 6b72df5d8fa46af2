// Rule 7 of the gate, the component's half: what is sent again to somebody goes before what is written to him meanwhile.

import { ScriptedGate } from '../support/gate/scripted-gate.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

/** ms; no time is measured here: whatever a machine takes is in time. */
const LONG = 60_000;
const TUNING = { gate: { lease: { timeout: 2 * LONG }, orderWithin: LONG } };
const BOB = 'bob@example.org';

let redis: RedisServer;
let it: PeerProxy;
let gate: ScriptedGate;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => it?.close());
afterAll(() => redis.stop());

const held = (i: number) =>
  `<held n="epoch-${i}"><message xmlns="jabber:client" from="alice@example.org/phone" to="${BOB}" type="chat" id="o-${i}"><body>${i}</body></message></held>`;
const session = (id: string, state: string) => `<session jid="${BOB}/phone" id="${id}" state="${state}" priority="0"/>`;
const sent = (i: number, copy: number, id: string) =>
  `<outcome n="epoch-${i}" copy="${copy}" state="sent"><session jid="${BOB}/phone" id="${id}"/></outcome>`;

/** The verdicts and redeliveries so far. */
const given = () =>
  gate.commands.filter(({ name }) => /stored|deliver/.test(name)).map(({ name, attrs }) => `${name} ${attrs.n}`);

test('login-then-live-in-order: his session has come, and messages are written to him before the copies have left', async () => {
  it = await PeerProxy.start(redis.url, { MODE: 'transparent' }, TUNING);
  gate = new ScriptedGate(it.peer, { terms: { timeout: `${2 * LONG}` }, remembers: session('A', 'available') });
  await it.ready();
  const missed = [1, 2, 3, 4, 5];
  for (const i of missed) {
    gate.tells(held(i));
    await until(() => given().includes(`stored epoch-${i}`), { what: `the verdict on ${i}`, within: LONG });
    gate.tells(sent(i, 1, 'A'));
  }
  gate.commands.length = 0;
  // In one stanza, so that nothing can be done in between: his session has ended without them, the next one is there, and she writes.
  const live = [6, 7, 8];
  const returned = missed.map((i) => `<returned n="epoch-${i}" jid="${BOB}/phone" session="A"/>`);
  gate.tells([...returned, session('A', 'gone'), session('B', 'available'), ...live.map(held)].join(''));
  await until(() => given().length === missed.length + live.length, { what: 'all of them', within: LONG });
  expect(given()).toEqual([...missed.map((i) => `deliver epoch-${i}`), ...live.map((i) => `stored epoch-${i}`)]);
});
