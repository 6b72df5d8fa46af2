import { setTimeout as sleep } from 'node:timers/promises';
import xml from '@xmpp/xml';
import { GateStage } from '../support/gate/gate-stage.ts';

/** ms */
const DELAY = 2000;
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
  await sleep(0.4 * DELAY);
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
