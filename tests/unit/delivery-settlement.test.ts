// Receipts and what else shows that a message has arrived; on the store in memory, without Redis.
import type { Route } from '../../src/addressing/address-policy.ts';
import { Settlement, type SettlementOptions } from '../../src/delivery/settlement.ts';
import type { Message } from '../../src/xmpp/stanza/message.ts';
import { aliceSends, bobSends, openMemoryStage, REQUEST, received } from '../support/stages/memory-delivery-stage.ts';
import { SECOND } from '../support/store/ledger.ts';

let room: ReturnType<typeof openMemoryStage>;
beforeEach(() => {
  room = openMemoryStage();
});
afterEach(() => room.close());

async function aliceHasSent(...ids: string[]): Promise<void> {
  for (const id of ids) {
    await room.does(aliceSends(id));
    await room.handsOver();
    room.passes(SECOND);
  }
}

test('a receipt ends the message and is told to its sender, once', async () => {
  await aliceHasSent('m-1');
  expect(await room.does(bobSends(received('m-1')))).toEqual(['received m-1']);
  expect(await room.stateOf('m-1')).toBe('delivered');
  expect(await room.does(bobSends(received('m-1')))).toEqual([]);
  expect(room.counts).toMatchObject({ delivered: 1, repeatedReceipts: 1 });
});

test('its sender is owed the notice until the server has it', async () => {
  await aliceHasSent('m-1');
  await room.does(bobSends(received('m-1')));
  // The process dies.
  for (const held of room.held()) held.done = true;
  room.passes(11 * SECOND);
  expect(await room.sweeps()).toEqual(['received m-1']);
  await room.handsOver();
  expect(await room.ledger.figures()).toMatchObject({ pending: 0, owed: 0 });
  room.passes(3600 * SECOND);
  expect(await room.sweeps()).toEqual([]);
});

test('who asked for no receipt is told of none, and nothing is owed', async () => {
  await room.does(aliceSends('m-1', '<body>hello</body>'));
  expect(await room.does(bobSends(received('m-1')))).toEqual([]);
  expect(await room.ledger.figures()).toMatchObject({ pending: 0, owed: 0 });
});

test('a settled message is not sent again', async () => {
  await aliceHasSent('m-1');
  await room.does(bobSends(received('m-1')));
  await room.handsOver();
  room.passes(2000 * SECOND);
  expect(await room.sweeps()).toEqual([]);
});

test('a marker settles what its sender wrote before, too', async () => {
  await aliceHasSent('m-1', 'm-2', 'm-3');
  const displayed = '<displayed xmlns="urn:xmpp:chat-markers:0" id="m-2"/>';
  const written = await room.does(bobSends(displayed, 'type="chat" id="d-1"'));
  expect(written).toEqual(expect.arrayContaining(['received m-1', 'received m-2']));
  expect(written).not.toContain('received m-3');
  expect([await room.stateOf('m-1'), await room.stateOf('m-3')]).toEqual(['delivered', 'pending']);
});

test('an id of a client’s own that looks like one that we mark is found by receipts, markers, replies and reactions', async () => {
  const ids = ['r', 'd', 'a', 'c'].map((one) => `${one}~0123456789abcdef`) as [string, string, string, string];
  await aliceHasSent(...ids);
  await room.does(bobSends(received(ids[0])));
  expect(await room.stateOf(ids[0])).toBe('delivered');
  const reply = `<body>yes</body><reply xmlns="urn:xmpp:reply:0" to="alice@example.org" id="${ids[3]}"/>`;
  await room.does(bobSends(reply, 'type="chat" id="b-1"'));
  expect(await room.stateOf(ids[3])).toBe('delivered');
  const reaction = `<reactions xmlns="urn:xmpp:reactions:0" id="${ids[2]}"><reaction>+</reaction></reactions>`;
  await room.does(bobSends(reaction, 'type="chat" id="b-2"'));
  expect(await room.stateOf(ids[2])).toBe('delivered');
  await room.does(bobSends(`<displayed xmlns="urn:xmpp:chat-markers:0" id="${ids[1]}"/>`, 'type="chat" id="d-1"'));
  expect(await room.stateOf(ids[1])).toBe('delivered');
});

test('of a correction it ends what was written in that place before', async () => {
  await aliceHasSent('m-1');
  const corrects = (body: string) =>
    `<body>${body}</body><replace xmlns="urn:xmpp:message-correct:0" id="m-1"/>${REQUEST}`;
  await room.does(aliceSends('c-1', corrects('one')), aliceSends('c-2', corrects('two')));
  await room.handsOver();
  await room.does(bobSends(received('c-2')));
  expect([await room.stateOf('c-1'), await room.stateOf('c-2'), await room.stateOf('m-1')]).toEqual([
    'delivered',
    'delivered',
    'pending',
  ]);
});

test('a late one is told after the failure', async () => {
  await aliceHasSent('m-1');
  const gone = '<error type="cancel"><gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>';
  expect(await room.does(bobSends(gone, 'type="error" id="m-1"'))).toEqual(['failure m-1 gone']);
  expect(await room.does(bobSends(received('m-1')))).toEqual(['received m-1']);
  expect(room.counts).toMatchObject({ rejected: 1, lateReceipts: 1 });
});

test('one that a gate held for too long has gone to the sender by itself: he is told nothing, and owed nothing', () => {
  const record = { key: 'k', state: 'delivered', sender: 'a@s', recipient: 'b@s', owesReceipt: true, storedAt: 1 };
  const settled = (wasPassed: boolean) => {
    const concluded: boolean[] = [];
    const kinds: string[] = [];
    const push = ({ request, done }: { request: { kind: string }; done: (reply: unknown) => void }) => {
      kinds.push(request.kind);
      if (request.kind === 'settle') done({ outcome: 'delivered', record });
    };
    const settlement = new Settlement({
      pipeline: { push },
      copies: { receiptArrived: () => undefined, receiptHandled: () => {} },
      endings: { conclude: (_: unknown, __: unknown, isNotified: boolean) => void concluded.push(isNotified) },
      receiptSupport: { isNews: () => false, record: () => {} },
      sequenceGaps: { recordReceipt: () => {} },
      gate: { wasPassed: () => wasPassed },
      clock: { now: () => 1 },
      counts: {},
    } as unknown as SettlementOptions);
    const user = (inner: string) => ({ kind: 'user', inner, resource: 'r', full: `${inner}/r`, returnsKey: '' });
    const route = { from: user('b@s'), to: user('a@s'), heldAs: 'e-1' } as unknown as Route;
    settlement.receipts(route, { receipts: ['m'] } as unknown as Message);
    return { concluded, kinds };
  };
  expect(settled(true)).toEqual({ concluded: [true], kinds: ['settle', 'notified'] });
  expect(settled(false)).toEqual({ concluded: [false], kinds: ['settle'] });
});

test('a marker counts for what a gate has seen written before it, too: that is recorded first', () => {
  const steps: string[] = [];
  const settlement = new Settlement({
    pipeline: { push: ({ request }: { request: { kind: string } }) => void steps.push(request.kind) },
    copies: { recordArrived: () => void steps.push('recorded') },
    clock: { now: () => 1 },
  } as unknown as SettlementOptions);
  const user = (inner: string) => ({ kind: 'user', inner, resource: 'r', full: `${inner}/r`, returnsKey: '' });
  const route = { from: user('b@s'), to: user('a@s') } as unknown as Route;
  settlement.proof(route, { by: 'marker', id: 'm', maybeOwn: false });
  expect(steps).toEqual(['recorded', 'settleUpTo']);
});
