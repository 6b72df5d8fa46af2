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

describe('his last session had confirmed one just before its end', () => {
  const receipt = (i: number) =>
    `<held n="e-${10 + i}"><message xmlns="jabber:client" from="${BOB}/phone" to="alice@example.org" type="chat" id="r-${i}"><received xmlns="urn:xmpp:receipts" id="o-${i}"/></message></held>`;

  /** He confirms the second of three, and then his session ends. */
  async function ends(how = ''): Promise<void> {
    stage.tells(held(2) + held(3));
    await stage.settled();
    stage.tells(sent(2, 'A') + sent(3, 'A') + receipt(2));
    await stage.settled();
    stage.tells(
      `<returned n="e-3" jid="${BOB}/phone" session="A"/>${ended.replace('state="gone"', `state="gone"${how}`)}`,
    );
    await stage.settled();
    expect(stage.given()).toEqual(['stored 2', 'stored 3']);
  }

  test('it goes once more in its turn among what is sent again, and before what is written meanwhile', async () => {
    await ends();
    stage.tells(session('B', 'available') + held(4));
    await stage.settled();
    expect(stage.given()).toEqual(['deliver 1', 'deliver 2', 'deliver 3', 'stored 4']);
  });

  test('it waits behind what the store has not answered yet, and what is written then behind it', async () => {
    await ends();
    const claimed = stage.store.holds('claim');
    stage.tells(session('B', 'available'));
    const answer = await claimed;
    stage.tells(held(4));
    await new Promise((resolve) => setImmediate(resolve));
    expect(stage.given()).toEqual([]);
    answer();
    await stage.settled();
    expect(stage.given()).toEqual(['deliver 1', 'deliver 2', 'deliver 3', 'stored 4']);
  });

  test('the store has its receipt only after his next session has begun: it goes in its turn all the same', async () => {
    stage.tells(held(2) + held(3));
    await stage.settled();
    stage.tells(sent(2, 'A') + sent(3, 'A'));
    await stage.settled();
    expect(stage.given()).toEqual(['stored 2', 'stored 3']);
    const settled = stage.store.holds('settle');
    stage.tells(receipt(2));
    const answer = await settled;
    stage.tells(`<returned n="e-3" jid="${BOB}/phone" session="A"/>${ended}`);
    stage.tells(session('B', 'available') + held(4));
    await new Promise((resolve) => setImmediate(resolve));
    expect(stage.given()).toEqual([]);
    answer();
    await stage.settled();
    await stage.settled();
    expect(stage.given()).toEqual(['deliver 1', 'deliver 2', 'deliver 3', 'stored 4']);
  });

  test('his client had ended it in order: nothing of it goes once more', async () => {
    await ends(' graceful="true"');
    stage.tells(session('B', 'available') + held(4));
    await stage.settled();
    expect(stage.given()).toEqual(['deliver 1', 'deliver 3', 'stored 4']);
  });

  test('he has gone before its turn has come: the session after that is sent it in its turn', async () => {
    await ends();
    const claimed = stage.store.holds('claim');
    stage.tells(session('B', 'available'));
    const answer = await claimed;
    stage.tells(session('B', 'gone'));
    answer();
    await stage.settled();
    expect(stage.given()).toEqual([]);
    stage.tells(session('C', 'available') + held(4));
    await stage.settled();
    expect(stage.given()).toEqual(['deliver 1', 'deliver 2', 'deliver 3', 'stored 4']);
  });
});

test('after a restart of the component, what is new waits until Redis has said what he has missed', async () => {
  stage.tells(ended);
  await stage.settled();
  const next = await openGateDeliveryStage(stage.store, sent(1, 'A') + ended.slice(0, ended.indexOf('/>') + 2));
  try {
    expect(next.given()).toEqual([]);
    next.tells(session('B', 'available') + held(2));
    await next.settled();
    await next.settled();
    expect(next.given()).toEqual(['deliver 1', 'stored 2']);
  } finally {
    next.close();
  }
});
