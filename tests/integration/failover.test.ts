import { Relay } from '../support/peer/relay.ts';
import { askRedis, type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const { jest } = import.meta;

jest.setTimeout(120_000);

let first: RedisServer;
let second: RedisServer;
/** The address that moves: new connections go to whoever is the primary. */
let address: Relay;
let it: PeerProxy;

beforeEach(async () => {
  [first, second] = await Promise.all([startRedis(), startRedis()]);
  expect(await askRedis(second.port, `REPLICAOF 127.0.0.1 ${first.port}`)).toBe('+OK');
  address = await Relay.to(first.port);
  // Dates that a stop of some seconds does not turn round.
  it = await PeerProxy.start(`redis://127.0.0.1:${address.port}`, {
    RETRY_SCHEDULE: '5s,5s',
    UNCONFIRMED_RETRIES: '50',
  });
  await it.ready();
});

afterEach(async () => {
  await it.close();
  await address.close();
  await Promise.all([first.stop(), second.stop()]);
});

/** All that the primary has is on the replica. */
async function replicated(): Promise<void> {
  const synced = async () => (await askRedis(first.port, 'WAIT 1 1000')) === ':1';
  await until(synced, { within: 20_000, what: 'the replica' });
}

/** Messages go through and are sent again, and what was pending before is still there to be settled. */
async function goesOn(before: string): Promise<void> {
  await it.ready();
  const after = await it.acknowledged('after');
  await until(() => it.copies('after') >= 2, { within: 40_000, what: 'another copy of the message that came after' });
  await it.confirmed(after);
  await it.confirmed(before);
}

test('planned, with the old connections left open: messages go on by the new primary, nothing is lost', async () => {
  const before = await it.acknowledged('before');
  await until(() => it.copies('before') === 1, { what: 'the first copy' });
  await replicated();
  expect(await askRedis(second.port, 'REPLICAOF NO ONE')).toBe('+OK');
  expect(await askRedis(first.port, `REPLICAOF 127.0.0.1 ${second.port}`)).toBe('+OK');
  address.target = second.port;
  await goesOn(before);
  expect(await it.metric('ledger_losses_total')).toBe(0);
});

test('unplanned, the primary killed: the same', async () => {
  const before = await it.acknowledged('before');
  await until(() => it.copies('before') === 1, { what: 'the first copy' });
  await replicated();
  await first.kill();
  await it.unready(/Redis/);
  expect(await askRedis(second.port, 'REPLICAOF NO ONE')).toBe('+OK');
  address.target = second.port;
  await goesOn(before);
});

test('connections that are half-open are replaced', async () => {
  const before = await it.acknowledged('before');
  await until(() => it.copies('before') === 1, { what: 'the first copy' });
  address.freeze();
  await it.unready(/Redis does not answer/);
  await goesOn(before);
});
