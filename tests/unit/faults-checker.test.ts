import fc from 'fast-check';
import { check } from '../../faults/checker.ts';
import type { Event } from '../../faults/history.ts';
import { MadeUp, type TERMS } from '../support/faults/made-up-history.ts';

const rules = (history: MadeUp) => check(history.history()).map(({ rule }) => rule);
const made = (terms: Partial<typeof TERMS> = {}) => new MadeUp(terms);
/** Acknowledged, and no more. */
const taken = () => made().message('m').wrote(0, 'm').acknowledged(100, 'm');

test('a history in which all goes well has no violation', () => {
  const history = made().well(0, 'a').well(500, 'b').end(30_000);
  expect(check(history.history())).toEqual([]);
});

describe('the end of what was acknowledged', () => {
  test('lost: nobody was given it, and its sender was told nothing', () => {
    expect(rules(taken().end(90_000))).toEqual(['lost']);
  });

  test('lost: refused before or after it was acknowledged is not its end', () => {
    expect(rules(taken().notified(50, 'm', 'refused').end(90_000))).toEqual(['lost']);
    expect(rules(taken().notified(150, 'm', 'refused').end(90_000))).toEqual(['lost']);
  });

  test('lost: told "delivered", and nobody was given it', () => {
    expect(rules(taken().notified(300, 'm', 'delivered').end(90_000))).toContain('lost');
  });

  test('lost with a Redis whose level of durability promises no more, and only then', () => {
    expect(rules(taken().fault(50, 5000, { forgets: 'all' }).end(90_000))).toEqual([]);
    expect(rules(taken().fault(50, 5000, { forgets: 'endings' }).end(90_000))).toEqual(['lost']);
    expect(rules(taken().fault(2000, 5000, { forgets: 'all' }).end(90_000))).toEqual(['lost']);
  });

  test('what was told when Redis forgot it may be told again, and sent again', () => {
    const told = () => taken().copied(150, 'm').saw(200, 'm').confirmed(210, 'm').notified(300, 'm', 'delivered');
    const again = (forgets?: 'endings') =>
      told()
        .fault(250, 5000, forgets && { forgets })
        .copied(8000, 'm')
        .notified(30_000, 'm', 'unconfirmed')
        .end(90_000);
    expect(rules(again('endings'))).toEqual([]);
    expect(rules(again())).toEqual(expect.arrayContaining(['after told', 'both ends']));
  });

  test('a failure or a notice is an end', () => {
    expect(rules(taken().notified(25_000, 'm', 'failed').end(90_000))).toEqual([]);
    expect(rules(taken().notified(25_000, 'm', 'unconfirmed').end(90_000))).toEqual([]);
  });

  test('what was never acknowledged is nobody’s promise, delivered or not', () => {
    expect(rules(made().message('m').wrote(0, 'm').end(90_000))).toEqual([]);
    expect(rules(made().message('m').wrote(0, 'm').notified(50, 'm', 'refused').saw(60, 'm').end(90_000))).toEqual([]);
  });

  test('untold: delivered, and its sender was told nothing', () => {
    expect(rules(taken().saw(200, 'm').confirmed(210, 'm').end(90_000))).toEqual(['untold']);
  });

  test('untold: he learnt it only because he asked, unless something had parted him from the server', () => {
    const asked = () => taken().saw(200, 'm').confirmed(210, 'm').notified(30_000, 'm', 'delivered', true);
    expect(rules(asked().end(90_000))).toEqual(['untold']);
    expect(rules(asked().fault(200, 300, { losesNews: true }).end(90_000))).toEqual([]);
    expect(rules(asked().fault(200, 300, { losesNews: true, user: 'alice' }).end(90_000))).toEqual([]);
    expect(rules(asked().fault(200, 300, { losesNews: true, user: 'carol' }).end(90_000))).toEqual(['untold']);
  });

  test('late: told more than the settings allow after the last fault', () => {
    expect(rules(taken().notified(60_200, 'm', 'failed').end(90_000))).toEqual(['late']);
    expect(rules(taken().notified(60_050, 'm', 'failed').end(90_000))).toEqual([]);
    expect(rules(taken().fault(1000, 5000).notified(64_900, 'm', 'failed').end(90_000))).toEqual([]);
  });

  test('of a record that was spoilt nothing is concluded', () => {
    expect(rules(taken().damaged(150, 'm').end(90_000))).toEqual([]);
  });
});

describe('the truth of what is told', () => {
  test('false tick: told "delivered" and confirmed by nobody, or only later', () => {
    expect(rules(taken().saw(200, 'm').notified(300, 'm', 'delivered').end(1000))).toEqual(['false tick']);
    expect(rules(taken().saw(200, 'm').notified(300, 'm', 'delivered').confirmed(400, 'm').end(1000))).toEqual([
      'false tick',
    ]);
  });

  test('both ends: delivered, and then failed or unconfirmed', () => {
    expect(rules(made().well(0, 'm').notified(20_000, 'm', 'failed').end(30_000))).toContain('both ends');
    expect(rules(made().well(0, 'm').notified(20_000, 'm', 'unconfirmed').end(30_000))).toContain('both ends');
    // Told twice is told once.
    expect(rules(made().well(0, 'm').notified(20_000, 'm', 'delivered').end(30_000))).toEqual([]);
  });

  test('both ends: failed, and then delivered without a receipt in between', () => {
    const failed = () => taken().saw(200, 'm').notified(25_000, 'm', 'failed').notified(30_000, 'm', 'delivered');
    expect(rules(failed().confirmed(29_000, 'm').end(31_000))).toEqual([]);
    // On its way when the failure was told.
    expect(rules(failed().confirmed(24_900, 'm').end(31_000))).toEqual([]);
    expect(rules(failed().confirmed(300, 'm').fault(250, 400).end(31_000))).toEqual(['both ends']);
  });

  test('false failure: told failed, and it was confirmed when all was well', () => {
    const failed = () => taken().saw(200, 'm').confirmed(210, 'm').notified(25_000, 'm', 'failed');
    expect(rules(failed().end(31_000))).toEqual(['false failure']);
    // The receipt may have died with a process.
    expect(rules(failed().fault(100, 220).end(31_000))).toEqual([]);
    expect(rules(failed().fault(3000, 4000).end(31_000))).toEqual([]);
  });

  test('garbled: given with another text', () => {
    const history = taken().saw(200, 'm', { body: 'caf\uFFFD' }).confirmed(210, 'm').notified(300, 'm', 'delivered');
    expect(rules(history.end(1000))).toEqual(['garbled']);
  });
});

describe('copies', () => {
  const delivered = () => made().well(0, 'm');

  test('after told: a copy that one process writes once the sender has his receipt', () => {
    expect(rules(delivered().copied(299, 'm').fault(0, 250).end(1000))).toEqual([]);
    expect(rules(delivered().copied(301, 'm').fault(0, 250).end(1000))).toEqual(['after told']);
  });

  test('after told: of two processes the other may have had it in hand', () => {
    const two = () => made({ processes: 2 }).well(0, 'm').fault(0, 250);
    expect(rules(two().copied(4000, 'm', 'receipts2.localhost').end(9000))).toEqual([]);
    expect(rules(two().copied(6000, 'm', 'receipts2.localhost').end(9000))).toEqual(['after told']);
    const stopped = { process: 'receipts2.localhost' };
    expect(rules(two().fault(200, 7000, stopped).copied(7100, 'm', 'receipts2.localhost').end(9000))).toEqual([]);
    expect(rules(two().fault(200, 7000, stopped).copied(7100, 'm').end(9000))).toEqual(['after told']);
  });

  test('copies: more than one for each fault and each step of the schedule', () => {
    const seen = (times: number) => {
      const history = taken().copied(90, 'm');
      for (let i = 0; i < times; i += 1) history.saw(200 + i, 'm');
      return history.confirmed(1000, 'm').notified(1100, 'm', 'delivered');
    };
    expect(rules(seen(1).end(2000))).toEqual([]);
    expect(rules(seen(2).end(2000))).toEqual(['copies']);
    expect(rules(seen(2).fault(150, 180).end(2000))).toEqual([]);
    expect(rules(seen(2).fault(150, 180, { lossless: true }).end(2000))).toEqual(['copies']);
    expect(rules(seen(2).fault(150, 180, { user: 'carol' }).end(2000))).toEqual(['copies']);
    expect(rules(seen(3).fault(150, 180).end(2000))).toEqual(['copies']);
  });

  test('copies: each client of the recipient counts by itself', () => {
    const history = delivered().saw(200, 'm', { device: 'bob/desk' }).confirmed(220, 'm', 'bob/desk');
    expect(rules(history.end(1000))).toEqual([]);
  });

  test('copies: by the schedule as long as no receipt comes', () => {
    const late = (times: number) => {
      const history = taken();
      for (let i = 0; i < times; i += 1) history.copied(90 + i * 2500, 'm').saw(200 + i * 2500, 'm');
      return history.confirmed(9000, 'm').notified(9100, 'm', 'delivered');
    };
    // At 2 s and at 6 s.
    expect(rules(late(3).end(10_000))).toEqual([]);
    expect(rules(late(4).end(20_000))).toEqual(['rewritten', 'copies']);
  });

  test('copies: to one who never confirms anything, no more than UNCONFIRMED_RETRIES', () => {
    const history = taken().copied(90, 'm').saw(200, 'm').copied(2100, 'm').saw(2200, 'm');
    expect(rules(history.notified(25_000, 'm', 'unconfirmed').end(30_000))).toEqual([]);
    const once = taken()
      .copied(90, 'm')
      .saw(200, 'm')
      .copied(2100, 'm')
      .saw(2200, 'm')
      .copied(4000, 'm')
      .saw(4100, 'm');
    expect(rules(once.notified(25_000, 'm', 'unconfirmed').end(30_000)).sort()).toEqual(['copies', 'rewritten']);
  });

  test('rewritten: again and again to a server that is merely slow', () => {
    const history = made().well(0, 'm').copied(95, 'm').fault(0, 1000, { lossless: true });
    expect(rules(history.end(2000))).toEqual(['rewritten']);
  });
});

describe('order', () => {
  const two = (first: number, second: number, terms = {}) => {
    const history = made(terms);
    for (const [id, wrote, saw] of [['a', 0, first] as const, ['b', 50, second] as const]) {
      history.message(id).wrote(wrote, id).acknowledged(100, id).copied(100, id);
      history.saw(saw, id, { delayed: saw > 1000 });
      history.confirmed(saw, id).notified(1900, id, 'delivered');
    }
    return history.end(3000);
  };

  test('first attempts that arrive in another order than they were written in', () => {
    expect(rules(two(200, 300))).toEqual([]);
    expect(rules(two(300, 200))).toEqual(['order']);
  });

  test('not of a copy that bears its first time, nor of several processes, nor across a crash', () => {
    expect(rules(two(1500, 200))).toEqual([]);
    expect(rules(two(300, 200, { processes: 2 }))).toEqual([]);
    expect(rules(two(300, 200).fault(10, 20, { blocks: 'process' }))).toEqual([]);
    expect(rules(two(300, 200).fault(10, 20, { blocks: 'ledger' }))).toEqual(['order']);
  });
});

describe('health', () => {
  /** Written every half second from 1 s on, and acknowledged only at the end. */
  const silent = (seconds: number) => {
    const history = made().well(0, 'first');
    for (let at = 1000; at <= seconds * 1000; at += 500) {
      history.message(`m${at}`).wrote(at, `m${at}`);
    }
    return history.fault(900, seconds * 1000, { lossless: true }).well(seconds * 1000 + 500, 'last');
  };

  test('ready: said while nothing has been acknowledged for longer than it may take to notice', () => {
    expect(rules(silent(10).polled(5900, {}).end(12_000))).toEqual([]);
    expect(rules(silent(10).polled(6100, {}).end(12_000))).toEqual(['ready']);
    expect(rules(silent(10).polled(6100, { ready: false }).end(12_000))).toEqual([]);
  });

  test('ready and metrics: a machine on which even who asks comes late has as much longer', () => {
    const full = new MadeUp().fault(1000, 11_000, { name: 'Redis is full', blocks: 'ledger' });
    for (const [history, rule] of [
      [silent(10), 'ready'],
      [full, 'metrics'],
    ] as const) {
      // It is late before that time begins, too, and another process is.
      history.polled(900, { late: 9000 }).polled(3000, { late: 9000, process: 'receipts2.localhost' });
      history.polled(3000, { late: 150 }).polled(5000, { late: 150 }).polled(6290, {});
      expect(rules(history)).toEqual([]);
      expect(rules(history.polled(6310, {}).end(12_000))).toEqual([rule]);
    }
  });

  test('ready: may be said shortly before the first acknowledgement, and of another process', () => {
    expect(rules(silent(10).polled(9900, {}).end(12_000))).toEqual([]);
    expect(rules(silent(10).polled(6100, { process: 'receipts2.localhost' }).end(12_000))).toEqual([]);
  });

  test('ready: a receipt is an answer where it comes instead of an acknowledgement, and only there', () => {
    const receipt = (history: MadeUp, id: string, at: number) =>
      history
        .saw(at - 100, id)
        .confirmed(at - 100, id)
        .notified(at, id, 'delivered');
    const instead = made().message('m').message('n').wrote(1000, 'm').wrote(1100, 'n');
    receipt(receipt(instead, 'm', 1300), 'n', 1300);
    expect(rules(instead.polled(8000, {}).well(12_000, 'next').end(13_000))).toEqual([]);
    const beside = silent(10).message('m').wrote(500, 'm').acknowledged(600, 'm');
    expect(rules(receipt(beside, 'm', 3000).polled(6100, {}).end(12_000))).toEqual(['ready']);
  });

  test('dead: nothing is acknowledged any more though the last fault is over', () => {
    const history = made().well(0, 'first').fault(900, 1000);
    for (let at = 2000; at <= 32_000; at += 500) history.message(`m${at}`).wrote(at, `m${at}`);
    expect(rules(history.polled(33_000, { ready: false }))).toEqual(['dead']);
  });

  test('metrics: the one that the fault is about says 1 for longer than it may take to notice', () => {
    const full = () => made().well(0, 'm').fault(1000, 9000, { blocks: 'ledger' });
    expect(rules(full().polled(5900, {}).end(12_000))).toEqual([]);
    expect(rules(full().polled(6100, {}).end(12_000))).toEqual(['metrics']);
    expect(rules(full().polled(6100, { ledgerUp: false }).end(12_000))).toEqual([]);
    const cut = () => made().well(0, 'm').fault(1000, 9000, { blocks: 'link', process: 'receipts.localhost' });
    expect(rules(cut().polled(6100, { ledgerUp: false }).end(12_000))).toEqual(['metrics']);
    expect(rules(cut().polled(6100, { linkUp: false }).end(12_000))).toEqual([]);
    // A process that stands still says nothing, which is no lie.
    expect(
      rules(
        cut()
          .polled(6100, { linkUp: undefined } as never)
          .end(12_000),
      ),
    ).toEqual([]);
  });

  test('not ready: long after the last fault', () => {
    const unready = (...times: number[]) => {
      const history = made().well(0, 'm').fault(0, 100);
      for (const at of times) history.polled(at, { ready: false });
      return history;
    };
    expect(rules(unready(13_000, 13_500, 14_000))).toEqual([]);
    expect(rules(unready(15_000, 15_500, 16_000))).toEqual(['not ready']);
    // One late answer is no more than that.
    expect(
      rules(
        made()
          .well(0, 'm')
          .polled(15_000, {})
          .polled(16_000, { ready: undefined } as never),
      ),
    ).toEqual([]);
    expect(rules(unready(15_000, 15_500, 16_000).end(16_500))).toEqual([]);
  });

  test('link given up: a new one that no fault accounts for', () => {
    const linked = (...times: number[]) => {
      const history = made().well(0, 'm').fault(0, 60_000, { lossless: true, process: 'receipts.localhost' });
      for (const at of times) history.connected(at);
      return history;
    };
    expect(rules(linked(1).end(61_000))).toEqual([]);
    expect(rules(linked(1, 31_000).end(61_000))).toEqual(['link given up']);
    expect(rules(linked(1, 31_000).fault(30_000, 30_000, { process: 'receipts.localhost' }).end(61_000))).toEqual([]);
    expect(rules(linked(1, 31_000).fault(30_000, 30_000, { blocks: 'link' }).end(61_000))).toEqual([]);
    // Neither Redis, nor a user's connection, nor what befell another process.
    for (const other of [{ blocks: 'ledger' }, { user: 'bob' }, { process: 'receipts2.localhost' }] as const) {
      expect(rules(linked(1, 31_000).fault(30_000, 30_000, other).end(61_000))).toEqual(['link given up']);
    }
    // Each break accounts for what comes after it, once it has ended.
    const late = linked(1, 31_000, 45_000).fault(30_000, 30_100, { process: 'receipts.localhost' });
    expect(rules(late.end(61_000))).toEqual(['link given up']);
  });

  test('died', () => {
    expect(rules(made().well(0, 'm').died(500).end(1000))).toEqual(['died']);
  });
});

test('property: of an acknowledged message that is taken out of a history at random, the loss is found', () => {
  const history = made();
  for (let i = 0; i < 20; i += 1) history.well(i * 100, `m${i}`);
  const whole = history.end(90_000).history();
  const kept =
    (lost: string) =>
    ({ kind, ...event }: Event) =>
      kind === 'wrote' || kind === 'acknowledged' || !('message' in event) || event.message !== lost;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 19 }), (i) => {
      const events = whole.events.filter(kept(`m${i}`));
      expect(check({ ...whole, events })).toEqual([expect.objectContaining({ rule: 'lost', message: `m${i}` })]);
    }),
  );
});
