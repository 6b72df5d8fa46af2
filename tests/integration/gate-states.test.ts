// What an operator is told of the gate, and that each side alone can be replaced by an older or a newer one.

import { ScriptedGate, type ScriptedGateOptions } from '../support/gate/scripted-gate.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const TUNING = { gate: { lease: { retryAfter: 100 }, reportEvery: 50 } };

let redis: RedisServer;
let it: PeerProxy;
let gate: ScriptedGate;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => it?.close());
afterAll(() => redis.stop());

async function start(options: ScriptedGateOptions & { refusal?: string } = {}): Promise<void> {
  it = await PeerProxy.start(redis.url, { MODE: 'transparent', LOG_LEVEL: 'warn' }, TUNING);
  gate = new ScriptedGate(it.peer, options);
  gate.refusal = options.refusal;
}

const refusal = (condition: string, text = '') =>
  `<error type="cancel"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>${text && `<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">${text}</text>`}</error>`;

/** The warnings of the gate. */
const warned = async () => (await it.readyz()).warnings.filter((warning) => /gate/.test(warning));

let ids = 0;
/** Of the form that no client counts: what passed unheld is known again by such an id alone. */
const idOf = (count: number) => `5f0c8a6e-9b1d-4c7e-8a2f-${String(count).padStart(12, '0')}`;
/** Alice's message is held; resolves when it has its verdict. */
async function held(more = ''): Promise<string | undefined> {
  ids += 1;
  const n = `epoch-${ids}`;
  gate.tells(
    `${more}<held n="${n}"><message xmlns="jabber:client" from="alice@example.org/phone" to="bob@example.org" type="chat" id="${idOf(ids)}"><body>hello</body></message></held>`,
  );
  const verdict = () => gate.commands.find(({ name, attrs }) => attrs.n === n && /stored|pass|drop/.test(name));
  return (await until(verdict, { what: `the verdict on ${n}` }))?.name;
}

test.each([
  [
    'an older gate',
    { version: '0', gate: '0.0.9' },
    [/gate 0\.0\.9 speaks version 0 .* component 1: update the plugin/],
  ],
  ['a newer gate', { version: '2', gate: '9.0.0', proofs: 'sm ping telepathy', colour: 'green' }, []],
  ['a gate that cannot see stream management', { proofs: 'ping' }, [/cannot see what clients acknowledge/]],
])(
  '%s is served; what it tells and is not known is ignored; /readyz names what it lacks',
  async (_, terms, warnings) => {
    // Before the commands of this version were known, and after.
    const unknown = '<dream n="epoch-99" of="sheep"/><session jid="bob@example.org/desk" id="S" state="levitating"/>';
    await start({ terms, remembers: unknown });
    await it.ready();
    expect(await warned()).toEqual(warnings.map((warning) => expect.stringMatching(warning)));
    expect(await held(unknown)).toBe('stored');
    gate.tells(
      `<outcome n="epoch-${ids}" copy="1" state="sent beamed" mood="fine"><session jid="bob@example.org/desk" id="S"/></outcome>`,
    );
    expect(await held('<outcome n="epoch-98" state="teleported"/>')).toBe('stored');
    expect(await it.metric('gate_up')).toBe(1);
  },
);

test.each([
  [
    'no plugin',
    refusal('service-unavailable'),
    /^example\.org has no gate \(service-unavailable\): install the plugin in Openfire, or load mod_receipts_gate in Prosody for example\.org\. Until then messages .* are not stored \(since 2/,
  ],
  [
    'another component',
    refusal('forbidden', 'Only the component'),
    /takes another component \(forbidden: Only the component\): set plugin\.receipts\.component in Openfire, or receipts_component in Prosody, to receipts\.example\.org\./,
  ],
  [
    'a cluster',
    refusal('not-allowed', 'The gate does not work in a cluster'),
    /does not work here \(not-allowed: The gate does not work in a cluster\)/,
  ],
  [
    'something else',
    refusal('internal-server-error'),
    /^No gate of example\.org holds messages for us \(internal-server-error\): see/,
  ],
])('%s: it is said, and what to do; it is ready when the gate is there', async (_, error, said) => {
  await start({ refusal: error });
  const { parts } = await it.unready(said);
  expect(parts.gate).toMatchObject({ ok: false, since: expect.stringMatching(/^2.*Z$/) });
  expect(await it.metric('gate_up')).toBe(0);
  gate.refusal = undefined;
  await it.ready();
  expect(await it.metric('gate_up')).toBe(1);
});

test('the gate lets go: it is said until the gate holds again', async () => {
  await start();
  await it.ready();
  gate.refusal = refusal('internal-server-error');
  gate.tells('<opened why="timeout" held="17"/>');
  await it.unready(/holds no messages now: the gate has opened: timeout\. It is asked again/);
  await it.unready(/internal-server-error/);
  gate.refusal = undefined;
  await it.ready();
  expect(await it.metric('gate_opened_total')).toBe(1);
  expect(await held()).toBe('stored');
});

test('what passed unheld is counted, listed in the log once a period, and said for a while', async () => {
  const unheld = (id: string) => `<unheld from="alice@example.org/phone" to="bob@example.org" id="${id}"/>`;
  await start({ remembers: unheld('u-1') + unheld('u-2') });
  await it.ready();
  const lines = () => it.lines.filter(({ msg }) => String(msg).startsWith('Messages passed unheld'));
  await until(() => lines().length === 1, { what: 'the list' });
  expect(lines()[0]).toMatchObject({
    level: 'warn',
    count: 2,
    passed: ['u-1', 'u-2'].map((id) => `alice@example.org/phone to bob@example.org, id ${id}`),
  });
  expect(await warned()).toEqual([expect.stringMatching(/^2 messages have passed the gate unheld lately/)]);
  gate.tells(unheld(''));
  await until(() => lines().length === 2, { what: 'the next list' });
  expect(lines()[1]).toMatchObject({ count: 1, passed: ['alice@example.org/phone to bob@example.org, id none'] });
  expect(await it.metric('gate_unheld_total')).toBe(3);
});

test('unheld-then-resent-once: what passed unheld is not forwarded again, unless all sessions that may have had it have ended', async () => {
  const session = (id: string, state: string) =>
    `<session jid="bob@example.org/${id}" id="${id}" state="${state}" priority="0"/>`;
  await start({ remembers: session('old', 'available') });
  await it.ready();
  const again = (...sessions: string[]) => {
    const had = sessions.map((id) => `<session id="${id}"/>`).join('');
    return held(`<unheld from="alice@example.org/phone" to="bob@example.org" id="${idOf(ids + 1)}">${had}</unheld>`);
  };
  expect(await again('old', 'older')).toBe('drop');
  // The server has stored it, or said that it cannot.
  expect(await again()).toBe('drop');
  expect(await again('older')).toBe('stored');
  gate.tells(session('old', 'gone'));
  expect(await again('old')).toBe('stored');
});

test('written again while nothing was held: what was stored before is not sent again to who has it, and what is stored later is', async () => {
  const bob = (state: string) => `<session jid="bob@example.org/desk" id="S" state="${state}" priority="0"/>`;
  const options = { terms: { epoch: 'first' }, remembers: '' };
  await start(options);
  await it.ready();
  expect(await held()).toBe('stored');
  const again = idOf(ids);
  expect(await held()).toBe('stored');
  const other = idOf(ids);
  // The server has begun anew.
  options.terms.epoch = 'second';
  options.remembers = `${bob('available')}<unheld from="alice@example.org/phone" to="bob@example.org" id="${again}"><session id="S"/></unheld>`;
  gate.tells('<opened why="unloading" held="0"/>');
  const delivered = () => gate.given('deliver').map((command) => command.getChild('message')?.attrs.id);
  await until(() => delivered().includes(other), { what: 'the one that nobody wrote again' });
  // They go in the order in which they were stored.
  expect(delivered()).not.toContain(again);
  // The session that had it so may be one whose phone is gone: nothing but a receipt proves that it has arrived.
  gate.tells(bob('gone') + bob('available').replaceAll('desk', 'phone').replace('"S"', '"P"'));
  await until(() => delivered().includes(again), { what: 'the one that was lost with the session that had it' });
});

test('passed unheld, written again and stored: the next process, which is told of it later, sends it when the one that stored it is gone', async () => {
  const bob = '<session jid="bob@example.org/desk" id="S" state="available" priority="0"/>';
  const unheld = (id: string, attributes = '') =>
    `<unheld from="alice@example.org/phone" to="bob@example.org" id="${id}"${attributes}><session id="S"/></unheld>`;
  await start({ terms: { epoch: 'one' }, remembers: bob });
  await it.ready();
  const again = idOf(ids + 1);
  expect(await held(unheld(again))).toBe('drop');
  await until(async () => (await it.metric('accepted_total')) === 1, { what: 'the message in Redis' });
  await it.close();
  // The session that had it may be one whose phone is gone: nothing but a receipt proves that it has arrived.
  await start({ terms: { epoch: 'one' }, remembers: bob + unheld(again, ' ago="60000"') });
  const delivered = () => gate.given('deliver').map((command) => command.getChild('message')?.attrs.id);
  await until(() => delivered().includes(again), { what: 'the message, once more' });
});

test('what passed unheld and was confirmed is settled when its sender writes it again, or when he has', async () => {
  const confirmed = (id: string) =>
    `<unheld from="alice@example.org/phone" to="bob@example.org" id="${id}" confirmed="bob@example.org/desk"><session id="S"/></unheld>`;
  await start({ remembers: '<session jid="bob@example.org/desk" id="S" state="available" priority="0"/>' });
  await it.ready();
  expect(await held(confirmed(idOf(ids + 1)))).toBe('drop');
  await until(async () => (await it.metric('delivered_total')) === 1, { what: 'the first' });
  const id = idOf(ids + 1);
  expect(await held(confirmed(id).replace(/ confirmed="[^"]*"/, ''))).toBe('drop');
  gate.tells(confirmed(id));
  await until(async () => (await it.metric('delivered_total')) === 2, { what: 'the second' });
  const about = [...gate.given('tell'), ...gate.given('deliver')].map(String);
  expect(about.filter((command) => command.includes(id) || command.includes(idOf(ids - 1)))).toEqual([]);
  expect(await it.metric('gate_unheld_total')).toBe(2);
});

test.each([
  ['names whom it went to', '<session jid="bob@example.org/phone" id="P"/>', true],
  ['does not say whom it went to', '', false],
])(
  'stored, and let go without a verdict by a gate that %s: it comes once more when that session has ended without a receipt',
  async (_, had, namesHim) => {
    const session = (id: string, resource: string, state: string) =>
      `<session jid="bob@example.org/${resource}" id="${id}" state="${state}" priority="0"/>`;
    const delivered = () => gate.given('deliver').map((command) => command.getChild('message')?.attrs.id);
    const options = { remembers: session('P', 'phone', 'available') };
    await start(options);
    await it.ready();
    expect(await held()).toBe('stored');
    const [n, id] = [`epoch-${ids}`, idOf(ids)];
    await until(async () => (await it.metric('accepted_total')) === 1, { what: 'the message in Redis' });
    await it.close();
    // The verdict was lost with the process.
    const passed = `<outcome n="${n}" copy="1" state="passed">${had}</outcome>`;
    // He came again before that was told.
    await start({
      remembers: session('P', 'phone', 'available') + (namesHim ? session('D', 'desk', 'available') : '') + passed,
    });
    await it.ready();
    gate.tells(
      `<held n="epoch-900"><message xmlns="jabber:client" from="alice@example.org/phone" to="bob@example.org" type="chat" id="${id}"><body>hello</body></message></held>`,
    );
    await until(() => gate.given('drop').length === 1, { what: 'what she wrote again is dropped' });
    expect(delivered()).toEqual([]);
    gate.tells(session('P', 'phone', 'gone') + (namesHim ? '' : session('D', 'desk', 'available')));
    await until(() => delivered().length > 0, { what: 'the message, once more' });
    // Else the gate does not look for what the server has brought from its storage.
    const about = gate.commands.filter(({ attrs }) => attrs.n === n).map(({ name }) => name);
    expect(about).toEqual(['forget', 'deliver']);
  },
);

test('acknowledged to the process before by a session that ends right after: it comes once more', async () => {
  const session = (id: string, resource: string, state: string) =>
    `<session jid="bob@example.org/${resource}" id="${id}" state="${state}" priority="0"/>`;
  const delivered = () => gate.given('deliver').map((command) => command.getChild('message')?.attrs.id);
  await start({ remembers: session('P', 'phone', 'available') });
  await it.ready();
  expect(await held()).toBe('stored');
  const [n, id] = [`epoch-${ids}`, idOf(ids)];
  const sent = `<outcome n="${n}" copy="1" state="sent"><session jid="bob@example.org/phone" id="P"/></outcome>`;
  gate.tells(sent);
  await until(async () => (await it.metric('handed_over_total')) === 1, { what: 'that it was sent, in Redis' });
  await it.close();
  const has = `<has n="${n}" jid="bob@example.org/phone" session="P" by="sm"/>`;
  await start({ remembers: session('P', 'phone', 'available') + sent + has });
  await it.ready();
  gate.tells(session('P', 'phone', 'gone') + session('D', 'desk', 'available'));
  await until(() => delivered().includes(id), { what: 'the message, once more' });
});

test('what is told of a user whose address is none to us keeps nothing else from being heard', async () => {
  // U+1D2E: whoever folds it takes him for bob; Prosody and Openfire let him have an account.
  const passed =
    '<unheld from="alice@example.org/phone" to="\u1d2eob@example.org" id="5f0c8a6e-9b1d-4c7e-8a2f-ffffffffffff" confirmed="\u1d2eob@example.org/desk"/>';
  const session = (id: string, state: string) =>
    `<session jid="bob@example.org/${id}" id="${id}" state="${state}" priority="0"/>`;
  await start({ remembers: session('old', 'available') + passed });
  await it.ready();
  expect(await held(passed)).toBe('stored');
  const n = `epoch-${ids}`;
  gate.tells(
    `${passed}<outcome n="${n}" copy="1" state="sent"><session jid="bob@example.org/old" id="old"/></outcome>${session('old', 'gone')}${session('new', 'available')}`,
  );
  const delivered = () => gate.given('deliver').map((command) => command.getChild('message')?.attrs.id);
  await until(() => delivered().includes(idOf(ids)), { what: 'the message, once more' });
});

test('a message that is nested too deeply to be read passes, and all that is told with it is heard', async () => {
  await start();
  await it.ready();
  const deep = `<message xmlns="jabber:client" from="mallory@example.org/x" to="bob@example.org" type="chat">${'<a>'.repeat(500)}${'</a>'.repeat(500)}</message>`;
  expect(await held(`<held n="epoch-500">${deep}</held>`)).toBe('stored');
  expect(gate.given('pass').map(({ attrs }) => attrs.n)).toEqual(['epoch-500']);
});
