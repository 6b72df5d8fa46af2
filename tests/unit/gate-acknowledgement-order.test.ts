// What a sender is told of a message that a gate holds goes before what has it go its way, however much waits on the link: else the
// receipt for it could be there first.

import { openGateDeliveryStage } from '../support/stages/gate-delivery-stage.ts';

const BOB = 'bob@example.org';
const MANY = 100;
const NUMBERS = Array.from({ length: MANY }, (_, i) => i + 1);
/** Ids that no client counts. */
const id = (i: number) => `3f2504e0-4f89-41d3-9a0c-${`${i}`.padStart(12, '0')}`;
const session = (id: string) => `<session jid="${BOB}/phone" id="${id}" state="available" priority="0"/>`;
const held = (i: number, n = i) =>
  `<held n="e-${n}"><message xmlns="jabber:client" from="alice@example.org/phone" to="${BOB}" type="chat" id="${id(i)}"><body>${i}</body><request xmlns="urn:xmpp:receipts"/></message></held>`;

let stage: Awaited<ReturnType<typeof openGateDeliveryStage>>;
beforeEach(async () => {
  stage = await openGateDeliveryStage();
  // What has the gate begin is written.
  [...stage.writes()];
});
afterEach(() => stage.close());

/** What is said, in its order: "acknowledged 1" to the sender, "stored 1" or "drop 1" to the gate, "tells 1" to it for the sender. */
function said(): string[] {
  const pattern =
    /<(?:stored (?:[^>]*)id="[0-9a-f-]*-0*(\d+)"|(stored|drop) n="e-(\d+)"|received xmlns="urn:xmpp:receipts" id="[0-9a-f-]*-0*(\d+)")/g;
  return [...stage.writes()].flatMap((xml) =>
    [...xml.matchAll(pattern)].map(([, own, verdict, n, told]) => {
      if (own !== undefined) return `acknowledged ${own}`;
      return told === undefined ? `${verdict} ${n}` : `tells ${told}`;
    }),
  );
}

/** All that is said until this is. */
async function saidUntil(last: string): Promise<string[]> {
  const all: string[] = [];
  while (!all.includes(last)) {
    await stage.settled();
    all.push(...said());
  }
  return all;
}

test('the acknowledgement that the component writes goes before the verdict', async () => {
  stage.tells(session('A') + NUMBERS.map((i) => held(i)).join(''));
  const all = await saidUntil(`stored ${MANY}`);
  expect(all).toHaveLength(2 * MANY);
  expect(NUMBERS.filter((i) => all.indexOf(`acknowledged ${i}`) > all.indexOf(`stored ${i}`))).toEqual([]);
});

test('the answer to what is written again, and is delivered, is the acknowledgement before the receipt', async () => {
  stage.tells(session('A') + NUMBERS.map((i) => held(i)).join(''));
  await stage.settled();
  const receipt = (i: number) =>
    `<held n="e-${MANY + i}"><message xmlns="jabber:client" from="${BOB}/phone" to="alice@example.org" type="chat" id="r-${i}"><received xmlns="urn:xmpp:receipts" id="${id(i)}"/></message></held>`;
  stage.tells(
    NUMBERS.map((i) => `<outcome n="e-${i}" copy="1" state="sent"><session jid="${BOB}/phone" id="A"/></outcome>`).join(
      '',
    ),
  );
  stage.tells(NUMBERS.map(receipt).join(''));
  await saidUntil(`tells ${MANY}`);
  stage.tells(NUMBERS.map((i) => held(i, 2 * MANY + i)).join(''));
  const all = await saidUntil(`tells ${MANY}`);
  expect(all.filter((one) => one.startsWith('tells'))).toHaveLength(MANY);
  expect(NUMBERS.filter((i) => all.indexOf(`acknowledged ${i}`) > all.indexOf(`tells ${i}`))).toEqual([]);
});
