// Several messages of one id, of a client that counts its ids anew: a receipt is for one of them, and which that is decides what the gate
// has said of the sessions that they were given.

import { ScriptedGate } from '../support/gate/scripted-gate.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const ALICE = 'alice@example.org/phone';
const BOB = 'bob@example.org';
/** Nothing is confirmed by time. */
const LONG = { MODE: 'transparent', PROOF_GRACE: '10m' };

let redis: RedisServer;
let it: PeerProxy;
let gate: ScriptedGate;
let ids = 0;

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await it?.close();
  await redis.stop();
});

const session = (id: string, state: string) => `<session jid="${BOB}/${id}" id="${id}" state="${state}" priority="0"/>`;
const sent = (n: string, ...sessions: string[]) =>
  `<outcome n="${n}" copy="1" state="sent">${sessions.map((id) => `<session jid="${BOB}/${id}" id="${id}"/>`).join('')}</outcome>`;
/** A client has returned a receipt, or a marker, which went to the sender by itself. */
const has = (n: string, at: string, by: string, id: string) =>
  `<has n="${n}" jid="${BOB}/${at}" session="${at}" by="${by}" id="${id}" to="${ALICE}"/>`;
/** Number and addressee of each that was sent again. */
const copies = () => gate.given('deliver').map(({ attrs: { n, to } }) => `${n} ${to}`);
const forgotten = () => gate.given('forget').map(({ attrs }) => attrs.n);

async function start(remembers: string): Promise<void> {
  it = await PeerProxy.start(redis.url, LONG);
  gate = new ScriptedGate(it.peer, { remembers });
  await it.ready();
}

/** That message is held, and given its verdict. */
async function held(from: string, to: string, id: string, content: string): Promise<{ n: string; verdict: string }> {
  ids += 1;
  const n = `epoch-${ids}`;
  gate.tells(
    `<held n="${n}"><message xmlns="jabber:client" from="${from}" to="${to}" type="chat" id="${id}">${content}</message></held>`,
  );
  const verdict = () => gate.commands.find(({ name, attrs }) => attrs.n === n && /stored|pass|drop/.test(name));
  return { n, verdict: (await until(verdict, { what: `the verdict on ${n}` }))?.name as string };
}

/** Alice writes this to bob under that id, and it is stored. */
async function writes(id: string, text: string): Promise<string> {
  const content = `<body>${text}</body><request xmlns="urn:xmpp:receipts"/>`;
  const { n, verdict } = await held(ALICE, BOB, id, content);
  expect(verdict).toBe('stored');
  return n;
}

/** All that was told before has been handled. */
async function handled(): Promise<void> {
  await held(ALICE, 'carol@example.org', `other-${ids}`, '<body>more</body>');
}

/** Two messages of one id, each given to another session. */
async function two(): Promise<readonly [one: string, two: string, told: string]> {
  const sessions = session('P', 'available') + session('D', 'available');
  await start(sessions);
  const first = await writes('1', 'one');
  const second = await writes('1', 'two');
  const outcomes = sent(first, 'P') + sent(second, 'D');
  gate.tells(outcomes);
  await handled();
  return [first, second, sessions + outcomes];
}

/** A client of bob's confirms what has that id, and its sender is away, so that it is shown. */
async function confirms(at: string, id: string, by = 'received', ns = 'urn:xmpp:receipts'): Promise<string> {
  return (await held(`${BOB}/${at}`, ALICE, 'c-1', `<${by} xmlns="${ns}" id="${id}"/>`)).verdict;
}

async function restarts(remembers: string): Promise<void> {
  await it.close();
  await start(remembers);
}

test('a receipt that was told while no process ran is for the message that it was told of', async () => {
  const [one, other, told] = await two();
  await restarts(told + has(other, 'D', 'receipt', '1'));
  await until(() => forgotten().includes(other), { what: 'the end of the second' });
  expect(forgotten()).toEqual([other]);
  // What nobody has confirmed is sent again.
  gate.tells(`<returned n="${one}" jid="${BOB}/P" session="P"/>${session('P', 'gone')}`);
  gate.tells(session('D', 'gone') + session('N', 'available'));
  await until(() => copies().length > 0, { what: 'the copy' });
  expect(copies()).toEqual([`${one} ${BOB}/N`]);
});

test.each([false, true])(
  'a marker is for the message that it was told of, and for none before it that its session was not given; after a restart: %s',
  async (after) => {
    const [one, other, told] = await two();
    const marker = has(other, 'D', 'marker', '1');
    if (after) await restarts(told + marker);
    else gate.tells(marker);
    await until(() => forgotten().includes(other), { what: 'the end of the second' });
    expect([forgotten().includes(one), await it.metric('delivered_total')]).toEqual([false, 1]);
    // What nobody has confirmed is sent again.
    gate.tells(`${session('D', 'gone')}<returned n="${one}" jid="${BOB}/P" session="P"/>${session('P', 'gone')}`);
    gate.tells(session('N', 'available'));
    await until(() => copies().includes(`${one} ${BOB}/N`), { what: 'the copy' });
  },
);

test.each(['receipt', 'marker'])(
  'a %s for what was let go without being stored settles no other message that its sender gave the same id',
  async (by) => {
    const sessions = session('P', 'available') + session('D', 'available');
    await start(sessions);
    const one = await writes('1', 'one');
    gate.tells(sent(one, 'P'));
    await handled();
    gate.tells(`<outcome n="epoch-99" copy="1" state="passed"/>${has('epoch-99', 'D', by, '1')}`);
    await until(() => forgotten().length > 0, { what: 'the end of what was let go' });
    expect(forgotten()).toEqual(['epoch-99']);
    expect(await it.metric('delivered_total')).toBe(0);
  },
);

test('a receipt for what was let go without being stored is for what its sender wrote again under an id that nobody counts', async () => {
  await start(session('P', 'available'));
  const id = 'a5fb2b7c-7d0e-4c1f-9f6e-0b8d3f2a6c1d';
  const one = await writes(id, 'one');
  gate.tells(sent(one, 'P') + has('epoch-99', 'P', 'receipt', id));
  await until(() => forgotten().includes('epoch-99'), { what: 'the end of what was let go' });
  expect(await it.metric('delivered_total')).toBe(1);
});

describe.each(['receipt', 'marker'])('a %s', (by) => {
  test.each([false, true])(
    'of a device for the first, when the gate has forgotten that, is not for the second, which it was not given; after a restart: %s',
    async (after) => {
      await it?.close();
      it = await PeerProxy.start(redis.url, { MODE: 'transparent', PROOF_GRACE: '50ms' });
      const sessions = session('P', 'available') + session('D', 'available');
      gate = new ScriptedGate(it.peer, { remembers: sessions });
      await it.ready();
      const one = await writes('1', 'one');
      gate.tells(sent(one, 'P', 'D') + has(one, 'P', 'receipt', '1'));
      await until(() => forgotten().includes(one), { what: 'the end of the first' });
      const other = await writes('1', 'two');
      gate.tells(sent(other, 'P'));
      await handled();
      const late = has(other, 'D', by, '1');
      if (after) await restarts(sessions + sent(other, 'P') + late);
      else gate.tells(late);
      await handled();
      await handled();
      expect(forgotten()).not.toContain(other);
      gate.tells(`<returned n="${other}" jid="${BOB}/P" session="P"/>${session('P', 'gone')}`);
      await until(() => copies().length > 0, { what: 'the copy' });
      expect(copies()).toEqual([`${other} ${BOB}/D`]);
    },
  );
});

describe.each([false, true])('what is shown; after a restart: %s', (after) => {
  test('a receipt is for the message that its session was given, and one more of it for no other', async () => {
    const [one, other, told] = await two();
    if (after) await restarts(told);
    expect(await confirms('D', '1')).toBe('drop');
    expect(forgotten()).toEqual([other]);
    expect(await confirms('D', '1')).toBe('drop');
    expect([forgotten(), await it.metric('delivered_total')]).toEqual([[other], 1]);
    // What nobody has confirmed is sent again.
    gate.tells(`<returned n="${one}" jid="${BOB}/P" session="P"/>${session('P', 'gone')}`);
    gate.tells(session('D', 'gone') + session('N', 'available'));
    await until(() => copies().includes(`${one} ${BOB}/N`), { what: 'the copy' });
  });

  test('a marker is for the message that its session was given', async () => {
    const [, other, told] = await two();
    if (after) await restarts(told);
    expect(await confirms('D', '1', 'displayed', 'urn:xmpp:chat-markers:0')).toBe('pass');
    await until(() => forgotten().length > 0, { what: 'the end of a message' });
    await handled();
    expect(forgotten()).toContain(other);
  });
});

test('a receipt that is faster than the word whom the server gave the message waits for that', async () => {
  await start(session('P', 'available') + session('D', 'available'));
  const one = await writes('1', 'one');
  gate.tells(sent(one, 'P'));
  const other = await writes('1', 'two');
  const verdict = confirms('D', '1');
  await handled();
  expect(forgotten()).toEqual([]);
  gate.tells(sent(other, 'D'));
  expect(await verdict).toBe('drop');
  expect(forgotten()).toEqual([other]);
});

test('two receipts that come together are for two messages', async () => {
  await start(session('D', 'available'));
  const all = [await writes('1', 'one'), await writes('1', 'two')];
  for (const n of all) gate.tells(sent(n, 'D'));
  await handled();
  expect(await Promise.all([confirms('D', '1'), confirms('D', '1')])).toEqual(['drop', 'drop']);
  expect(await it.metric('delivered_total')).toBe(2);
});

test('a receipt for what is proved already by its server is told, whichever of that id it is', async () => {
  await it?.close();
  it = await PeerProxy.start(redis.url, { MODE: 'transparent', PROOF_GRACE: '50ms' });
  gate = new ScriptedGate(it.peer, { remembers: session('P', 'available') + session('D', 'available') });
  await it.ready();
  const one = await writes('1', 'one');
  const other = await writes('1', 'two');
  gate.tells(`${sent(one, 'P')}${sent(other, 'D')}<has n="${other}" jid="${BOB}/D" session="D" by="sm"/>`);
  await until(() => forgotten().includes(other), { what: 'the proof' });
  expect(await confirms('D', '1')).toBe('drop');
  const told = () => gate.given('tell').map((command) => command.toString());
  await until(() => told().length > 0, { what: 'what its sender is told' });
  expect(told()).toEqual([expect.stringContaining('<received')]);
  expect(forgotten()).not.toContain(one);
});
