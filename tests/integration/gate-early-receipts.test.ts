// Rule 18 of the gate, where a receipt is faster than the server, which says whom it gave a message when all of them have it.

import { ScriptedGate } from '../support/gate/scripted-gate.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const ALICE = 'alice@example.org/phone';
const BOB = 'bob@example.org';
/** Whatever ends, ends within it. */
const LONG = { PROOF_GRACE: '10m' };

let redis: RedisServer;
let it: PeerProxy;
let gate: ScriptedGate;
let ids = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => it?.close());
afterAll(() => redis.stop());

const session = (id: string, state: string) => `<session jid="${BOB}/${id}" id="${id}" state="${state}" priority="0"/>`;
const sent = (n: string, copy: number, ...sessions: string[]) =>
  `<outcome n="${n}" copy="${copy}" state="sent">${sessions.map((id) => `<session jid="${BOB}/${id}" id="${id}"/>`).join('')}</outcome>`;
/** Number and addressee of each that was sent again. */
const copies = () => gate.given('deliver').map(({ attrs: { copy, to } }) => `${copy} ${to}`);
const forgotten = () => gate.given('forget').map(({ attrs }) => attrs.n);

async function start(settings: Record<string, string>, remembers: string): Promise<void> {
  it = await PeerProxy.start(redis.url, { MODE: 'transparent', ...settings });
  gate = new ScriptedGate(it.peer, { remembers });
  await it.ready();
}

/** That message is held, and given its verdict. */
async function held(from: string, to: string, content: string): Promise<{ n: string; id: string; verdict: string }> {
  ids += 1;
  const n = `epoch-${ids}`;
  const id = `early-${ids}`;
  gate.tells(
    `<held n="${n}"><message xmlns="jabber:client" from="${from}" to="${to}" type="chat" id="${id}">${content}</message></held>`,
  );
  const verdict = () => gate.commands.find(({ name, attrs }) => attrs.n === n && /stored|pass|drop/.test(name));
  return { n, id, verdict: (await until(verdict, { what: `the verdict on ${n}` }))?.name as string };
}

const writes = () => held(ALICE, BOB, '<body>text</body><request xmlns="urn:xmpp:receipts"/>');
/** Its receipt settles a message. */
async function confirms(id: string, resource: string): Promise<void> {
  const { verdict } = await held(`${BOB}/${resource}`, ALICE, `<received xmlns="urn:xmpp:receipts" id="${id}"/>`);
  expect(verdict).toBe('drop');
}

/** All that was told before has been handled. */
async function handled(): Promise<void> {
  await held(ALICE, 'carol@example.org', '<body>more</body>');
}

test('one that was sent it has no connection, the other confirms it and ends: who logs in is sent it', async () => {
  await start(LONG, session('P', 'available') + session('P', 'detached') + session('D', 'available'));
  const { n, id } = await writes();
  await confirms(id, 'D');
  gate.tells(sent(n, 1, 'D', 'P') + session('D', 'gone') + session('N', 'available'));
  await until(() => copies().length > 0, { what: 'the copy' });
  expect(copies()).toEqual([`2 ${BOB}/N`]);
});

test('it has ended before the server says whom it gave the message: a session that lives has it, and is not sent it again', async () => {
  await start(LONG, session('P', 'available') + session('D', 'available'));
  const { n, id } = await writes();
  await confirms(id, 'D');
  gate.tells(session('D', 'gone') + session('N', 'available'));
  await handled();
  gate.tells(sent(n, 1, 'D', 'P'));
  await handled();
  expect(copies()).toEqual([]);
  gate.tells(session('P', 'gone'));
  await until(() => copies().length > 0, { what: 'the copy' });
  expect(copies()).toEqual([`2 ${BOB}/N`]);
});

test('both have confirmed it by then, and one has no connection: who logs in is not sent it', async () => {
  await start(LONG, session('P', 'available') + session('D', 'available'));
  const { n, id } = await writes();
  await confirms(id, 'D');
  await confirms(id, 'P');
  gate.tells(sent(n, 1, 'D', 'P') + session('P', 'detached') + session('D', 'gone') + session('N', 'available'));
  await handled();
  expect(copies()).toEqual([]);
  expect(forgotten()).not.toContain(n);
});

test('the same of another copy, which has a number of its own', async () => {
  await start({ ...LONG, RETRY_SCHEDULE: '30s', UNCONFIRMED_RETRY_AFTER: '30s' }, session('A', 'available'));
  const { n, id } = await writes();
  gate.tells(`${sent(n, 1, 'A')}<returned n="${n}" jid="${BOB}/A" session="A"/>${session('A', 'gone')}`);
  gate.tells(session('B', 'available'));
  await until(() => copies().length > 0, { what: 'the copy' });
  await confirms(id, 'B');
  gate.tells(session('B', 'gone'));
  await handled();
  gate.tells(sent(n, 2, 'B') + session('C', 'available'));
  await until(() => copies().length > 1, { what: 'the next copy' });
  expect(copies()).toEqual([`2 ${BOB}/B`, `3 ${BOB}/C`]);
});

/** The server has let a receipt or a marker go to the sender. */
const routed = (n: string, by: string, id: string, session: string) =>
  `<has n="${n}" jid="${BOB}/${session}" session="${session}" by="${by}" id="${id}" to="${ALICE}"/>`;

test.each(['receipt', 'marker'])(
  'a %s that passed is in doubt, and another session may prove the message: the gate is to remember it',
  async (by) => {
    await start(LONG, session('P', 'available') + session('D', 'available'));
    const { n, id } = await writes();
    gate.tells(sent(n, 1, 'D', 'P') + routed(n, by, id, 'D'));
    await handled();
    gate.tells(session('D', 'gone'));
    await handled();
    expect([forgotten(), copies()]).toEqual([[], []]);
  },
);

test('a second one that passes while it is not known whom a copy was given does not make the gate forget that', async () => {
  await start({ ...LONG, RETRY_SCHEDULE: '30s', UNCONFIRMED_RETRY_AFTER: '30s' }, session('A', 'available'));
  const { n, id } = await writes();
  gate.tells(`${sent(n, 1, 'A')}<returned n="${n}" jid="${BOB}/A" session="A"/>${session('A', 'gone')}`);
  gate.tells(session('B', 'available'));
  await until(() => copies().length > 0, { what: 'the copy' });
  await confirms(id, 'B');
  gate.tells(routed(n, 'receipt', id, 'B'));
  await handled();
  expect(forgotten()).toEqual([]);
  gate.tells(session('B', 'gone') + sent(n, 2, 'B') + session('C', 'available'));
  await until(() => copies().length > 1, { what: 'the next copy' });
});

test('the gate is told to forget a message when it remembers it, and not before', async () => {
  await start({ PROOF_GRACE: '0s' }, session('P', 'available'));
  const { n, id } = await writes();
  await confirms(id, 'P');
  await handled();
  expect(forgotten()).toEqual([]);
  gate.tells(sent(n, 1, 'P'));
  await until(() => forgotten().length > 0, { what: 'the end' });
  expect(forgotten()).toEqual([n]);
});
