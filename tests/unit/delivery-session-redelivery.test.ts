// What is sent again when a recipient comes; on the store in memory, without Redis.
import { aliceSends, bobIs, bobSends, openMemoryStage, received } from '../support/stages/memory-delivery-stage.ts';
import { SECOND } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

let room: ReturnType<typeof openMemoryStage>;
beforeEach(async () => {
  room = openMemoryStage();
  await room.befriends();
});
afterEach(() => room.close());

async function aliceHasSent(...ids: string[]): Promise<void> {
  for (const id of ids) {
    await room.does(aliceSends(id));
    await room.handsOver();
    room.passes(SECOND);
  }
}
/** Bob's session is there, and has returned a receipt. */
async function bobIsThere(resource = 'desk'): Promise<void> {
  await room.does(bobIs(resource));
  room.passes(SECOND);
  await aliceHasSent('m-0');
  await room.does(bobSends(received('m-0'), '', resource));
  await room.handsOver();
}
const copies = (written: readonly string[]) => written.filter((one) => one.startsWith('copy'));

test('what went to a session that has ended is sent again at his next login, oldest first', async () => {
  await bobIsThere();
  await aliceHasSent('m-1', 'm-2');
  expect(copies(await room.does(bobIs('desk', 'type="unavailable"')))).toEqual([]);
  room.passes(3600 * SECOND);
  expect(await room.sweeps()).toEqual([]);
  expect(copies(await room.does(bobIs('desk')))).toEqual(['copy m-1, again', 'copy m-2, again']);
  expect(room.counts).toMatchObject({ evidenceSessionEnded: 2 });
});

test('what a session had that goes on is not sent again at another’s login', async () => {
  await bobIsThere();
  await aliceHasSent('m-1');
  expect(copies(await room.does(bobIs('phone')))).toEqual([]);
});

test('what came back is sent again at any presence of his', async () => {
  await bobIsThere();
  await aliceHasSent('m-1');
  const full = '<error type="wait"><resource-constraint xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>';
  await room.does(bobSends(full, 'type="error" id="m-1"'));
  room.passes(15 * SECOND);
  expect(copies(await room.does(bobIs('phone')))).toEqual(['copy m-1, again']);
  expect(room.counts).toMatchObject({ evidenceBounced: 1 });
});

test('a window of so many is out at a time, and each receipt lets the next follow', async () => {
  room.close();
  room = openMemoryStage({ redeliveryWindow: 1 });
  await room.befriends();
  await bobIsThere();
  await aliceHasSent('m-1', 'm-2');
  await room.does(bobIs('desk', 'type="unavailable"'));
  room.passes(SECOND);
  expect(copies(await room.does(bobIs('desk')))).toEqual(['copy m-1, again']);
  await room.handsOver();
  expect(copies(await room.does(bobSends(received('m-1'))))).toEqual(['copy m-2, again']);
});

test('while he is away nothing is sent, however long that is', async () => {
  await bobIsThere();
  await room.does(bobIs('desk', 'type="unavailable"'));
  await aliceHasSent('m-1');
  room.passes(3 * 3600 * SECOND);
  expect(await room.sweeps()).toEqual([]);
});

test('what another message has overtaken in its session is sent again', async () => {
  await bobIsThere();
  await aliceHasSent('m-1', 'm-2');
  await room.does(bobSends(received('m-2')));
  await room.handsOver();
  room.receipts.sequenceGaps.look();
  await room.does();
  room.passes(15 * SECOND);
  expect(copies(await room.sweeps())).toEqual(['copy m-1, again']);
});

test('a session that does not answer loses its place to one that does', async () => {
  room.close();
  const answers = new Map<string, 'answered' | 'silent'>();
  room = openMemoryStage({ ping: async (full) => answers.get(full) ?? 'silent' });
  await room.befriends();
  await bobIsThere('desk');
  await room.does(bobIs('phone'));
  room.passes(SECOND);
  await aliceHasSent('m-1');
  answers.set('bob@example.org/phone', 'answered');
  room.passes(40 * SECOND);
  const written = await room.sweeps();
  await until(async () => written.push(...(await room.does())) > 0);
  expect(copies(written)).toEqual(['copy m-1, again, /phone']);
  expect(room.counts).toMatchObject({ evidenceSessionSilent: 1 });
});
