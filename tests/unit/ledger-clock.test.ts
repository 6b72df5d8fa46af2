import { LedgerClock } from '../../src/store/redis/clock.ts';
import { decodeScript } from '../../src/store/redis/codec/script-replies.ts';

function setUp() {
  const clocks = { monotonic: 0, uptime: 0 };
  const clock = new LedgerClock({ monotonic: () => clocks.monotonic, uptime: () => clocks.uptime });
  const passes = (ms: number) => {
    clocks.monotonic += ms;
    clocks.uptime += ms;
  };
  /** A call that takes so long, and what Redis says: the time, the epoch, and whether it was carried out. Gives its hint. */
  const call = (said: string, took = 10) => {
    const departure = clock.depart();
    const hint = clock.hint(departure);
    passes(took);
    const [time, epoch, carriedOut] = said.split(' ');
    const outcome = carriedOut === '+' ? 'carried-out' : 'late';
    const stamp = decodeScript('stamp', [outcome, '1', time, epoch].join('\0'));
    clock.arrived(departure, stamp);
    return { hint, carriedOut: !stamp.late };
  };
  return { clock, clocks, passes, call };
}

const DAY = 86_400_000;

test('before the first answer nothing is expected; then the time goes on by the monotonic clock', () => {
  const { clock, call, passes } = setUp();
  expect(call('1000000 0 +')).toEqual({ hint: '::', carriedOut: true });
  expect(clock.now()).toBe(1_000_000);
  passes(500);
  expect(clock.now()).toBe(1_000_500);
  expect(call('1000520 0 +').hint).toBe('1000500:0:');
});

test('a clock that goes a little faster or slower is followed', () => {
  const { clock, call, passes } = setUp();
  call('1000000 0 +');
  for (let i = 1; i <= 100; i += 1) {
    passes(990);
    expect(call(`${1_000_000 + i * 1100} 0 +`).hint).toMatch(/:0:$/);
  }
  expect(clock.now()).toBe(1_110_000);
});

test('a call that was slow does not set it back', () => {
  const { clock, call } = setUp();
  call('1000000 0 +');
  // Redis has read it at the beginning.
  call('1000001 0 +', 30);
  expect(clock.now()).toBe(1_000_030);
  call('1000060 0 +', 31);
  expect(clock.now()).toBe(1_000_061);
  // By then Redis cannot be further than that.
  call('1000061 0 +', 2);
  expect(clock.now()).toBe(1_000_063);
  call('1000055 0 +', 5);
  expect(clock.now()).toBe(1_000_060);
});

test('a clock that was set forward is told to the script, with by how much', () => {
  const { call } = setUp();
  call('1000000 0 +');
  expect(call(`${1_000_010 + DAY} 0 -`).carriedOut).toBe(false);
  expect(call('1000020 1 +').hint).toBe(`1000010:0:${DAY}`);
  expect(call('1000030 1 +').hint).toBe('1000020:1:');
});

test('a Redis that stood still is no clock that was set forward', () => {
  const { clock, call } = setUp();
  call('1000000 0 +');
  expect(call('1020000 0 -', 20_000).carriedOut).toBe(false);
  expect(call('1020010 0 +').hint).toMatch(/:0:$/);
  expect(clock.now()).toBe(1_020_010);
});

test('a machine that slept is no step: its monotonic clock stood still', () => {
  const { clock, clocks, call, passes } = setUp();
  call('1000000 0 +');
  passes(2000);
  call('1002010 0 +');
  passes(2000);
  clocks.uptime += 3_600_000;
  expect(call(`${1_004_030 + 3_600_000} 0 -`).carriedOut).toBe(false);
  expect(call(`${1_004_040 + 3_600_000} 0 +`).hint).toMatch(/:0:$/);
  expect(clock.now()).toBe(1_004_040 + 3_600_000);
});

test('a step that another process took out is not taken out again', () => {
  const { clock, call } = setUp();
  call('1000000 0 +');
  call('5000 1 +');
  expect(clock.now()).toBe(5000);
  expect(call('5010 1 +').hint).toBe('5000:1:');
});
