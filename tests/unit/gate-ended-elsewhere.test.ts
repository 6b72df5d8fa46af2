// What another process has ended without this one's being told, as by a gate that had forgotten it, or does not tell that.

import { MootClaims } from '../../src/delivery/gate/moot-claims.ts';
import { handOver, type StoredRecord, tokenOfHeld } from '../../src/store/contract.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { openGateDeliveryStage } from '../support/stages/gate-delivery-stage.ts';
import { until } from '../support/time/until.ts';

const BOB = 'bob@example.org';
const session = (id: string, state: string) => `<session jid="${BOB}/phone" id="${id}" state="${state}" priority="0"/>`;
const held = (n: number, from: string, to: string, content: string) =>
  `<held n="e-${n}"><message xmlns="jabber:client" from="${from}" to="${to}" type="chat" id="m-${n}">${content}</message></held>`;
const fromAlice = (n: number) => held(n, 'alice@example.org/phone', BOB, `<body>${n}</body>`);
const receiptFor = (n: number) =>
  held(100 + n, `${BOB}/phone`, 'alice@example.org', `<received xmlns="urn:xmpp:receipts" id="m-${n}"/>`);
const sent = (n: number, id: string) =>
  `<outcome n="e-${n}" copy="1" state="sent"><session jid="${BOB}/phone" id="${id}"/></outcome>`;
const lost = (...numbers: number[]) =>
  numbers.map((n) => `<returned n="e-${n}" jid="${BOB}/phone" session="A"/>`).join('') + session('A', 'gone');

type Stage = Awaited<ReturnType<typeof openGateDeliveryStage>>;
const stages: Stage[] = [];
afterEach(() => {
  for (const stage of stages.splice(0)) stage.close();
});

async function open(store?: Stage['store']): Promise<Stage> {
  const stage = await openGateDeliveryStage(store);
  stages.push(stage);
  return stage;
}

/** Both processes have done all that they have to do. */
async function settled(...both: Stage[]): Promise<void> {
  for (let i = 0; i < 3; i += 1) for (const one of both) await one.settled();
}

test('it is looked for once, at the next login of its recipient, and not at each', async () => {
  const one = await open();
  const other = await open(one.store);
  one.tells(session('A', 'available') + fromAlice(1) + fromAlice(2));
  await settled(one, other);
  one.tells(sent(1, 'A') + sent(2, 'A'));
  other.tells(session('A', 'available') + sent(1, 'A') + receiptFor(1));
  await settled(one, other);
  one.tells(lost(1, 2));
  await settled(one, other);
  one.given();
  /** Claims of the first message since this was asked last. */
  const claims = () =>
    one.store.claims.splice(0).filter((key) => key === recordKey('alice@example.org', BOB, 'm-1')).length;
  claims();
  one.tells(session('B', 'available'));
  await settled(one, other);
  // The second is sent again.
  expect(one.given()).toEqual(['deliver 2']);
  expect(claims()).toBeGreaterThan(0);
  one.tells(sent(2, 'B').replace('copy="1"', 'copy="2"') + session('B', 'gone') + session('C', 'available'));
  await settled(one, other);
  expect(one.given()).toEqual(['deliver 2']);
  expect(claims()).toBe(0);
});

describe('another process has heard of his login sooner, and is just sending what this one has sent', () => {
  const KEY = recordKey('alice@example.org', BOB, 'm-1');
  let one: Stage;

  beforeEach(async () => {
    one = await open();
    one.tells(session('A', 'available') + fromAlice(1));
    await settled(one);
    one.tells(sent(1, 'A') + lost(1));
    await settled(one);
    one.given();
    const other = await open(one.store);
    other.tells(session('A', 'available') + session('A', 'gone'));
    await settled(one, other);
    one.store.claims.length = 0;
    // It asks its gate, which does not answer.
    other.tells(session('B', 'available'));
    await settled(one, other);
    expect(one.store.claims).toEqual([KEY]);
    one.tells(session('B', 'available') + fromAlice(2));
    await settled(one);
  });

  test('what is new waits until the server has that', async () => {
    expect(one.given()).toEqual([]);
    const [record] = await one.store.status([KEY]);
    const { sender, recipient, copies, attempt } = record as StoredRecord;
    const copy = {
      key: KEY,
      attempt,
      copies: copies + 1,
      byTimetable: 0,
      unconfirmed: 0,
      sender,
      recipient,
      noStore: false,
    };
    await one.store.batch([handOver(copy)]);
    await until(() => one.given().includes('stored 2'), { what: 'the new one' });
  });

  test('a second at most, should it never have that', async () => {
    await until(() => one.given().includes('stored 2'), { what: 'the new one' });
  });
});

describe('of what could not be claimed', () => {
  const mine = { n: 'e-1', key: 'k', recipient: BOB, storedAt: 0, attempt: 3, copies: 1 };
  const pending = { state: 'pending', heldAs: 'e-1', attempt: 3 } as StoredRecord;

  /** What is left when the store says that of it, and the claim named this attempt. */
  async function left(status: () => Promise<(StoredRecord | undefined)[]>, attempt = 3): Promise<string[]> {
    const all: string[] = [];
    const claims = new MootClaims({
      messages: { get: () => mine },
      copies: { leave: (n) => all.push(n) },
      status,
      onOver: () => {},
      clock: { now: () => 0 },
    });
    claims.note(BOB, { key: 'k', attempt, evidence: 'session-ended', storedAt: 0, token: tokenOfHeld('e-1') });
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    return all;
  }

  test('what has ended, is unknown, or is claimed by another process, is left', async () => {
    expect(await left(async () => [{ ...pending, state: 'delivered' }])).toEqual(['e-1']);
    expect(await left(async () => [undefined])).toEqual(['e-1']);
    expect(await left(async () => [{ ...pending, attempt: 4 }])).toEqual(['e-1']);
    expect(await left(async () => [{ ...pending, heldAs: 'e-2' }])).toEqual(['e-1']);
  });

  test('what is only not to be sent now, or was claimed here since, is kept; and what nobody can tell', async () => {
    expect(await left(async () => [pending])).toEqual([]);
    expect(await left(async () => [undefined], 2)).toEqual([]);
    expect(await left(async () => Promise.reject(new Error('away')))).toEqual([]);
  });

  test('what another process has claimed is waited for until the server has that copy, or time is over', async () => {
    let now = 0;
    let copies = 3;
    let looks = 0;
    const over: string[] = [];
    const claims = new MootClaims({
      messages: { get: () => mine },
      copies: { leave: () => {} },
      status: async () => {
        looks += 1;
        return [{ ...pending, attempt: 4, copies }];
      },
      onOver: (user) => over.push(user),
      clock: { now: () => now },
    });
    const note = () =>
      claims.note(BOB, { key: 'k', attempt: 3, evidence: 'session-ended', storedAt: 0, token: tokenOfHeld('e-1') });
    for (const ends of [() => (copies = 4), () => (now = 1001)]) {
      copies = 3;
      note();
      looks = 0;
      await until(() => looks >= 2, { what: 'looks at it' });
      expect([claims.has(BOB), claims.has('carol@example.org'), over]).toEqual([true, false, []]);
      ends();
      await until(() => over.length > 0, { what: 'the end' });
      expect([claims.has(BOB), over.splice(0)]).toEqual([false, [BOB]]);
    }
  });
});
