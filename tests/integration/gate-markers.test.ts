// A marker is for its message and for those before it (XEP-0333 section 5.3), of which its session has not read what only another was
// given: that may never come back.

import { ScriptedGate } from '../support/gate/scripted-gate.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const ALICE = 'alice@example.org/phone';
const BOB = 'bob@example.org';
/** Nothing is confirmed by time. */
const LONG = { MODE: 'transparent', PROOF_GRACE: '10m' };
const MARKERS = 'urn:xmpp:chat-markers:0';

let redis: RedisServer;
let it: PeerProxy;
let gate: ScriptedGate;
let count = 0;

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await it?.close();
  await redis.stop();
});

const session = (id: string, state: string) => `<session jid="${BOB}/${id}" id="${id}" state="${state}" priority="0"/>`;
const ref = (id: string) => `jid="${BOB}/${id}" id="${id}"`;
const sent = (n: string, to: string, more = '') =>
  `<outcome n="${n}" copy="1" state="sent"><session ${ref(to)}/>${more}</outcome>`;
const copies = () => gate.given('deliver').map(({ attrs: { n, to } }) => `${n} ${to}`);
const forgotten = () => gate.given('forget').map(({ attrs }) => attrs.n);
const both = () => session('P', 'available') + session('D', 'available');

async function start(remembers: string): Promise<void> {
  it = await PeerProxy.start(redis.url, LONG);
  gate = new ScriptedGate(it.peer, { remembers });
  await it.ready();
}

async function held(from: string, to: string, id: string, content: string): Promise<string> {
  count += 1;
  const n = `epoch-${count}`;
  gate.tells(
    `<held n="${n}"><message xmlns="jabber:client" from="${from}" to="${to}" type="chat" id="${id}">${content}</message></held>`,
  );
  await until(() => gate.commands.some(({ name, attrs }) => attrs.n === n && /stored|pass|drop/.test(name)), {
    what: `the verdict on ${n}`,
  });
  return n;
}

/** Alice writes this to bob, and the server says whom it gave it. Gives its id and number. */
async function writes(outcome: (n: string) => string): Promise<{ readonly id: string; readonly n: string }> {
  const id = crypto.randomUUID();
  const n = await held(ALICE, BOB, id, '<body>hello</body><request xmlns="urn:xmpp:receipts"/>');
  gate.tells(outcome(n));
  return { id, n };
}

/** A client of bob's has shown it. */
async function displayed(at: string, { id, n }: { id: string; n: string }, how: 'shown' | 'routed'): Promise<void> {
  if (how === 'shown') await held(`${BOB}/${at}`, ALICE, `d-${count}`, `<displayed xmlns="${MARKERS}" id="${id}"/>`);
  else gate.tells(`<has n="${n}" jid="${BOB}/${at}" session="${at}" by="marker" id="${id}" to="${ALICE}"/>`);
}

/** All that was told before has been handled. */
const handled = () => held(ALICE, 'carol@example.org', `other-${count}`, '<body>more</body>');

describe.each(['shown', 'routed'] as const)('a marker that is %s', (how) => {
  test('leaves pending what was given to a session only that is detached, and it is sent again when that is gone', async () => {
    await start(both());
    const one = await writes((n) => sent(n, 'P'));
    gate.tells(session('P', 'detached'));
    const two = await writes((n) => sent(n, 'D'));
    await displayed('D', two, how);
    await until(() => forgotten().includes(two.n), { what: 'the end of the second' });
    await handled();
    expect([forgotten(), copies(), await it.metric('delivered_total')]).toEqual([[two.n], [], 1]);
    gate.tells(`<returned n="${one.n}" jid="${BOB}/P" session="P"/>${session('P', 'gone')}`);
    await until(() => copies().length > 0, { what: 'the copy' });
    expect(copies()).toEqual([`${one.n} ${BOB}/D`]);
  });

  test('is for all that its session was given', async () => {
    await start(both());
    const all = [await writes((n) => sent(n, 'D')), await writes((n) => sent(n, 'P'))];
    const named = await writes((n) => sent(n, 'D'));
    await displayed('D', named, how);
    await until(() => forgotten().includes(named.n), { what: 'the end of the last' });
    expect([forgotten(), await it.metric('delivered_total')]).toEqual([[all[0]?.n, named.n], 2]);
  });

  test('is, where its session has read carbons, for all that it may have had as such', async () => {
    await start(session('P', 'available'));
    const before = await writes((n) => sent(n, 'P'));
    await handled();
    gate.tells(session('D', 'available'));
    const missed = await writes((n) => sent(n, 'P', `<missed ${ref('D')}/>`));
    const carbon = await writes((n) => sent(n, 'P'));
    const named = await writes((n) => sent(n, 'P'));
    await displayed('D', named, how);
    await until(() => forgotten().includes(named.n), { what: 'the end of the last' });
    expect(forgotten()).toEqual([carbon.n, named.n]);
    expect([before.n, missed.n].filter((n) => forgotten().includes(n))).toEqual([]);
  });
});

test('a marker after the receipt for the same message leaves pending what another session was given', async () => {
  await start(both());
  const one = await writes((n) => sent(n, 'P'));
  const two = await writes((n) => sent(n, 'D'));
  await held(`${BOB}/D`, ALICE, 'r-1', `<received xmlns="urn:xmpp:receipts" id="${two.id}"/>`);
  await displayed('D', two, 'shown');
  await handled();
  expect(await it.metric('delivered_total')).toBe(1);
  expect(forgotten()).not.toContain(one.n);
});
