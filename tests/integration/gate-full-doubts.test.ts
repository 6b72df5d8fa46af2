// A receipt whose message could not be sent again from memory, should its session end right after: the message stays in Redis until then.

import { ScriptedGate } from '../support/gate/scripted-gate.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const ALICE = 'alice@example.org/phone';
const BOB = 'bob@example.org';
const ID = '5d3b2e0f-6c1a-4b7e-9d2c-8f4a1b6e7c90';
/** More bytes of XML than are kept in memory. */
const OTHERS = 600;
const LARGE = 'x'.repeat(60_000);

let redis: RedisServer;
let it: PeerProxy;
let gate: ScriptedGate;

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await it?.close();
  await redis.stop();
});

const session = (id: string, state: string) => `<session jid="${BOB}/${id}" id="${id}" state="${state}" priority="0"/>`;
const forgotten = () => gate.given('forget').map(({ attrs }) => attrs.n);

function holds(n: string, from: string, to: string, id: string, text: string): void {
  gate.tells(
    `<held n="${n}"><message xmlns="jabber:client" from="${from}" to="${to}" type="chat" id="${id}"><body>${text}</body><request xmlns="urn:xmpp:receipts"/></message></held>`,
  );
}

/** Bob's client has confirmed a message whose text is not known any more. */
async function confirmed(grace: string): Promise<void> {
  it = await PeerProxy.start(redis.url, { MODE: 'transparent', PROOF_GRACE: grace });
  gate = new ScriptedGate(it.peer, { remembers: session('P', 'available') });
  await it.ready();
  holds('epoch-1', ALICE, BOB, ID, 'text');
  await until(() => gate.given('stored').length > 0, { what: 'the verdict' });
  gate.tells(`<outcome n="epoch-1" copy="1" state="sent"><session jid="${BOB}/P" id="P"/></outcome>`);
  // Each by somebody else: nobody uses up what one may send.
  for (let number = 0; number < OTHERS; number += 1)
    holds(`epoch-1${number}`, `user${number}@example.org/phone`, `carol${number}@example.org`, `o-${number}`, LARGE);
  await until(() => gate.given('stored').length > OTHERS, { what: 'all verdicts' });
  gate.tells(`<has n="epoch-1" jid="${BOB}/P" session="P" by="receipt" id="${ID}" to="${ALICE}"/>`);
  await until(async () => (await it.metric('gate_receipts_left_to_store_total')) === 1, { what: 'the receipt' });
}

test('it ends when its session has lived on, and its sender is told nothing more', async () => {
  await confirmed('50ms');
  await until(() => forgotten().includes('epoch-1'), { what: 'the end of the message' });
  expect([await it.metric('delivered_total'), gate.given('tell')]).toEqual([1, []]);
});

test('it is sent again, once, if its session ends right after', async () => {
  await confirmed('10m');
  expect([await it.metric('delivered_total'), forgotten()]).toEqual([0, []]);
  gate.tells(session('P', 'gone') + session('N', 'available'));
  await until(() => gate.given('deliver').length > 0, { what: 'the copy' });
  expect(gate.given('deliver').map(({ attrs: { n, to } }) => `${n} ${to}`)).toEqual([`epoch-1 ${BOB}/N`]);
});
