// Rule 7 of the gate: what is sent again to somebody goes before what is written to him meanwhile, however late the store answers.

import { openGateDeliveryStage } from '../support/stages/gate-delivery-stage.ts';

const BOB = 'bob@example.org';
const session = (id: string, state: string) => `<session jid="${BOB}/phone" id="${id}" state="${state}" priority="0"/>`;
const held = (i: number) =>
  `<held n="e-${i}"><message xmlns="jabber:client" from="alice@example.org/phone" to="${BOB}" type="chat" id="o-${i}"><body>${i}</body></message></held>`;
const sent = (i: number, id: string) =>
  `<outcome n="e-${i}" copy="1" state="sent"><session jid="${BOB}/phone" id="${id}"/></outcome>`;
const ended = `<returned n="e-1" jid="${BOB}/phone" session="A"/>${session('A', 'gone')}`;

let stage: Awaited<ReturnType<typeof openGateDeliveryStage>>;
beforeEach(async () => {
  stage = await openGateDeliveryStage();
  stage.tells(session('A', 'available') + held(1));
  await stage.settled();
  stage.tells(sent(1, 'A'));
  await stage.settled();
  expect(stage.given()).toEqual(['stored 1']);
});
afterEach(() => stage.close());

test('correction-after-original: that he is away, asked before he came back, does not end what is sent to him since', async () => {
  const asked = stage.store.holds('sessionAvailable');
  stage.tells(ended);
  const answer = await asked;
  stage.tells(session('B', 'available') + held(2));
  await new Promise((resolve) => setImmediate(resolve));
  answer();
  await stage.settled();
  expect(stage.given()).toEqual(['deliver 1', 'stored 2']);
});

test('what is stored in the moment in which he comes waits until it is known what he has missed', async () => {
  stage.tells(ended);
  await stage.settled();
  const stored = stage.store.holds('accept');
  stage.tells(held(2));
  const answer = await stored;
  stage.tells(session('B', 'available'));
  answer();
  await stage.settled();
  expect(stage.given()).toEqual(['deliver 1', 'stored 2']);
});

test('what waits is not let go in the moment in which a session has ended, as that may have lost what goes before it', async () => {
  stage.tells(ended);
  stage.tells(session('B', 'available'));
  await stage.settled();
  stage.tells(sent(1, 'B').replace('copy="1"', 'copy="2"') + held(2));
  await stage.settled();
  stage.tells(sent(2, 'B'));
  const stored = stage.store.holds('accept');
  stage.tells(held(3));
  const storedNow = await stored;
  stage.tells(`<returned n="e-2" jid="${BOB}/phone" session="B"/>`);
  await new Promise((resolve) => setImmediate(resolve));
  storedNow();
  const answer = await stage.store.holds('claim');
  stage.tells(`<returned n="e-1" jid="${BOB}/phone" session="B"/>${session('B', 'gone')}${session('C', 'available')}`);
  answer();
  await stage.settled();
  expect(stage.given()).toEqual(['deliver 1', 'stored 2', 'deliver 2', 'deliver 1', 'stored 3']);
});
