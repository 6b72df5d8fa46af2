import { setTimeout as sleep } from 'node:timers/promises';
import xml from '@xmpp/xml';
import { GateStage } from '../support/gate/gate-stage.ts';

/** ms; so long that a busy machine may stand still for most of it. */
const DELAY = 4000;
const BOB = 'bob@example.org';

let stage: GateStage;
beforeAll(async () => {
  stage = await GateStage.open({ gate: `receipts_ping_delay = ${DELAY}\n` });
});
afterAll(() => stage.close());
afterEach(() => stage.empty());

test('who confirms each message in time is not pinged, although one is always on its way; each has the whole time', async () => {
  const alice = await stage.user('alice', 'phone');
  const component = await stage.hold();
  component.verdict = () => 'stored';
  const bob = await stage.raw('bob', 'desk');
  const said = async (body: string) => {
    await alice.say(BOB, body);
    const n = await component.held(body);
    await component.event('outcome', { n, copy: '1' });
    return n;
  };
  const forget = (n: string) => component.command(xml('forget', { n }));
  await forget(await said('One'));
  await sleep(0.8 * DELAY);
  const two = await said('Two');
  // The time of the first is over meanwhile, and not that of the second.
  await sleep(0.25 * DELAY);
  await forget(two);
  const pings = () => bob.received.filter((el) => el.getChild('ping') !== undefined);
  expect(pings()).toEqual([]);
  const from = performance.now();
  const three = await said('Three');
  await bob.answer(await bob.ping());
  expect(performance.now() - from).toBeGreaterThan(0.95 * DELAY);
  await component.event('has', { n: three, by: 'ping' });
  expect(pings()).toHaveLength(1);
});

test('a ping without an answer is out no longer after its time: the client is asked again, and proves all that it was sent', async () => {
  const other = await GateStage.open({ gate: 'receipts_ping_delay = 20\nreceipts_ping_timeout = 3000\n' });
  try {
    const alice = await other.user('alice', 'phone');
    const component = await other.hold();
    component.verdict = () => 'stored';
    const bob = await other.raw('bob', 'desk');
    const said = async (body: string) => {
      await alice.say(BOB, body);
      const n = await component.held(body);
      await component.event('outcome', { n, copy: '1' });
      return n;
    };
    const one = await said('One');
    const lost = await bob.ping();
    const two = await said('Two');
    const again = await bob.ping();
    // Late, when it is out no longer.
    await bob.answer(lost);
    await bob.answer(again);
    for (const n of [one, two]) await component.event('has', { n, by: 'ping', jid: bob.jid });
    const three = await said('Three');
    await bob.answer(await bob.ping());
    await component.event('has', { n: three, by: 'ping' });
  } finally {
    await other.close();
  }
});
