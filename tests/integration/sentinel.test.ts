import { type Connections, connect } from '../../src/store/redis/connections.ts';
import { redisFault } from '../../src/store/redis/redis-faults.ts';
import {
  MASTER,
  SENTINEL_PASSWORD,
  type SentinelGroup,
  startSentinelGroup,
} from '../support/servers/redis-sentinel.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

let group: SentinelGroup;
let it: PeerProxy | undefined;

const settings = () => ({
  REDIS_SENTINELS: group.addresses,
  REDIS_MASTER_NAME: MASTER,
  REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
  // Dates that a failover of some seconds does not turn round.
  RETRY_SCHEDULE: '5s,5s',
  UNCONFIRMED_RETRIES: '50',
});

beforeAll(async () => {
  group = await startSentinelGroup();
});
afterAll(() => group.stop());
afterEach(async () => {
  await it?.close();
  it = undefined;
});

/** A message that bob has, that alice waits to hear of, and that the replicas have. */
async function pending(it: PeerProxy, text: string): Promise<string> {
  const id = await it.acknowledged(text);
  await until(() => it.copies(text) === 1, { what: 'the first copy' });
  const primary = await group.primary();
  const replicated = async () => (await group.ask(primary, 'WAIT 1 1000')) !== ':0';
  await until(replicated, { within: 20_000, what: 'a replica' });
  return id;
}

/** Messages go through and are sent again by jobs, and what was pending before is there to be settled. */
async function goesOn(it: PeerProxy, before: string, text: string): Promise<void> {
  await it.ready();
  const after = await it.acknowledged(text);
  await until(() => it.copies(text) >= 2, { within: 40_000, what: 'another copy of the message that came after' });
  await it.confirmed(after);
  await it.confirmed(before);
}

test('it finds the primary by the sentinels, and goes on by the new one when they have another take its place', async () => {
  it = await PeerProxy.start(group.url, settings());
  await it.ready();
  const before = await pending(it, 'before');
  await group.failOver();
  await goesOn(it, before, 'after');
});

test('the primary killed, and a sentinel with it', async () => {
  it = await PeerProxy.start(group.url, settings());
  await it.ready();
  const before = await pending(it, 'before the kill');
  const primary = await group.primary();
  // Not the first, which the test itself asks.
  await Promise.all([primary.kill(), group.sentinels[1]?.kill()]);
  await it.unready(/Redis/);
  await until(async () => (await group.primary()) !== primary, { within: 60_000, what: 'another primary' });
  await goesOn(it, before, 'after the kill');
  await Promise.all([primary.restart(), group.sentinels[1]?.restart()]);
});

test.each([
  ['a wrong password of theirs', { password: 'wrong' }, /No Redis Sentinel .*want another REDIS_SENTINEL_PASSWORD/],
  ['a name that they do not know', { masterName: 'nobody' }, /No Redis Sentinel .*none of that name/],
])('%s is said', async (_, wrong, said) => {
  const addresses = group.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  const sentinels = { addresses, masterName: MASTER, password: SENTINEL_PASSWORD, ...wrong };
  let connections: Connections | undefined;
  const problem = await new Promise<Error>((resolve) => {
    connections = connect({ url: group.url, sentinels }, resolve);
  });
  await connections?.close();
  expect(redisFault(problem)).toMatchObject({ kind: 'connection', text: expect.stringMatching(said) });
});
