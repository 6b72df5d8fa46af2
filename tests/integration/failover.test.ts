import { Relay } from '../support/peer/relay.ts';
import { askRedis, type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

/** A proxy on a primary with a replica; each test has its own, so that they wait for their dates side by side. */
class Stage {
  private constructor(
    readonly first: RedisServer,
    readonly second: RedisServer,
    /** The address that moves: new connections go to whoever is the primary. */
    readonly address: Relay,
    readonly it: PeerProxy,
  ) {}

  static async open(): Promise<Stage> {
    const [first, second] = await Promise.all([startRedis(), startRedis()]);
    expect(await askRedis(second.port, `REPLICAOF 127.0.0.1 ${first.port}`)).toBe('+OK');
    const address = await Relay.to(first.port);
    // Dates that a stop of some seconds does not turn round.
    const it = await PeerProxy.start(`redis://127.0.0.1:${address.port}`, {
      RETRY_SCHEDULE: '5s,5s',
      UNCONFIRMED_RETRIES: '50',
    });
    await it.ready();
    return new Stage(first, second, address, it);
  }

  async close(): Promise<void> {
    await this.it.close();
    await this.address.close();
    await Promise.all([this.first.stop(), this.second.stop()]);
  }

  /** Alice's message is accepted, bob was sent it, and all that the primary has is on the replica. */
  async written(): Promise<string> {
    const { it, first } = this;
    const before = await it.acknowledged('before');
    await until(() => it.copies('before') === 1, { what: 'the first copy' });
    const synced = async () => (await askRedis(first.port, 'WAIT 1 1000')) === ':1';
    await until(synced, { what: 'the replica' });
    return before;
  }

  /** Messages go through and are sent again, and what was pending before is still there to be settled. */
  async goesOn(before: string): Promise<void> {
    const { it } = this;
    await it.ready();
    const after = await it.acknowledged('after');
    await until(() => it.copies('after') >= 2, { what: 'another copy of the message that came after' });
    await it.confirmed(after);
    await it.confirmed(before);
  }
}

const tried = (name: string, run: (stage: Stage) => Promise<void>) =>
  test.concurrent(name, async () => {
    const stage = await Stage.open();
    try {
      await run(stage);
    } finally {
      await stage.close();
    }
  });

tried(
  'planned, with the old connections left open: messages go on by the new primary, nothing is lost',
  async (stage) => {
    const { first, second, address, it } = stage;
    const before = await stage.written();
    // It holds writes back until the replica has all, which is primary then: a write between two steps of ours would be lost.
    expect(await askRedis(first.port, 'FAILOVER')).toBe('+OK');
    const isPrimary = async () => (await askRedis(second.port, 'SET moved 1')) === '+OK';
    await until(isPrimary, { what: 'the replica to be primary' });
    const isReplica = async () => (await askRedis(first.port, 'SET moved 1')).startsWith('-READONLY');
    await until(isReplica, { what: 'the primary to be a replica' });
    address.target = second.port;
    await stage.goesOn(before);
    expect(await it.metric('ledger_losses_total')).toBe(0);
  },
);

tried('unplanned, the primary killed: the same', async (stage) => {
  const { first, second, address, it } = stage;
  const before = await stage.written();
  await first.kill();
  await it.unready(/Redis/);
  expect(await askRedis(second.port, 'REPLICAOF NO ONE')).toBe('+OK');
  address.target = second.port;
  await stage.goesOn(before);
});

tried(
  'unplanned, to a replica that lacks what came in the last second: it is said, and all else goes on',
  async (stage) => {
    const { first, second, address, it } = stage;
    const before = await stage.written();
    // It follows nobody from here on.
    expect(await askRedis(second.port, 'REPLICAOF NO ONE')).toBe('+OK');
    await it.acknowledged('lost');
    const count = async () => Number((await askRedis(first.port, 'HINCRBY {receipts}:identity count 0')).slice(1));
    const then = await count();
    await until(async () => (await count()) > then + 2, { what: 'some probes' });
    await first.kill();
    await it.unready(/Redis/);
    address.target = second.port;
    await stage.goesOn(before);
    await until(async () => (await it.metric('ledger_losses_total')) === 1, { what: 'the loss to be counted' });
    const { warnings } = await it.readyz();
    expect(warnings).toContainEqual(expect.stringMatching(/^Redis has gone back to an older copy/));
  },
);

tried('unplanned, to one with a ledger that a newer version has written: nothing is stored there', async (stage) => {
  const { first, second, address, it } = stage;
  await stage.written();
  expect(await askRedis(second.port, 'REPLICAOF NO ONE')).toBe('+OK');
  const format = (await askRedis(second.port, 'HINCRBY {receipts}:identity format 1')).slice(1);
  await first.kill();
  await it.unready(/Redis/);
  address.target = second.port;
  await it.unready(/another format/);
  expect(Number(format)).toBeGreaterThan(1);
});

tried('connections that are half-open are replaced', async (stage) => {
  const before = await stage.written();
  stage.address.freeze();
  await stage.it.unready(/Redis does not answer/);
  await stage.goesOn(before);
});
