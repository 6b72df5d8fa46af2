import { nextStepOf } from '../../src/commands/next-step.ts';
import { PendingSurvey } from '../../src/commands/pending-survey.ts';
import { History } from '../../src/console/history.ts';
import { StepRecorder } from '../../src/console/step-recorder.ts';
import { Counters } from '../../src/metrics/counters.ts';
import type { Found, TracedStep } from '../../src/store/contract.ts';
import { ruleFor, SITUATIONS } from '../../src/store/redelivery-rules.ts';
import { bothTraces, openMessageTrace } from '../../src/util/message-trace.ts';

const MESSAGE = { key: 'k', sender: 'a@x', recipient: 'b@x', senderId: 'i', wireId: 'i', inner: '<body>Hush</body>' };

describe('the last hour', () => {
  test('has what happened between two samples, and no more than an hour of them', async () => {
    const { counts } = new Counters();
    let now = 0;
    let waiting = async () => 7;
    const history = new History({ counts, waiting: () => waiting(), now: () => now });
    counts.accepted = 5;
    counts.expired = 1;
    counts.rejected = 1;
    await history.sample();
    counts.accepted = 6;
    waiting = async () => {
      throw new Error('away');
    };
    now = 10_000;
    await history.sample();
    expect(history.samples).toMatchObject([
      { at: 0, accepted: 5, failed: 2, waiting: 7 },
      { at: 10_000, accepted: 1, failed: 0, waiting: undefined },
    ]);
    for (let i = 0; i < 500; i += 1) await history.sample();
    expect(history.samples).toHaveLength(360);
  });
});

describe('the steps of messages', () => {
  const recorder = (written: TracedStep[][], more: Partial<ConstructorParameters<typeof StepRecorder>[0]> = {}) => {
    const warnings: string[] = [];
    const it = new StepRecorder({
      store: { append: async (steps) => void written.push([...steps]) },
      hasRoom: () => true,
      bodies: false,
      log: { warn: (_, text) => warnings.push(text) },
      ...more,
    });
    return Object.assign(it, { warnings });
  };

  test('are written together, and without what users write', async () => {
    const written: TracedStep[][] = [];
    const { trace, flush } = bound(recorder(written));
    trace('accepted', MESSAGE);
    trace('forwarded', MESSAGE, { session: 'b@x/desk' });
    // A receipt for nothing that is known has no message.
    trace('receipt ignored', { sender: 'a@x' });
    await flush();
    expect(written).toHaveLength(1);
    expect(written[0]).toMatchObject([
      { what: 'accepted', key: 'k', isFirst: true },
      { what: 'forwarded', session: 'b@x/desk', isFirst: false },
    ]);
    expect(JSON.stringify(written)).not.toContain('Hush');
  });

  test('have what users write where that may be shown', async () => {
    const written: TracedStep[][] = [];
    const { trace, flush } = bound(recorder(written, { bodies: true }));
    trace('accepted', MESSAGE);
    await flush();
    expect(written[0]?.[0]?.content).toBe('<body>Hush</body>');
  });

  test('that the store does not take are left out, and said once', async () => {
    const written: TracedStep[][] = [];
    let isAway = true;
    const append = async (steps: readonly TracedStep[]) => {
      if (isAway) throw new Error('away');
      written.push([...steps]);
    };
    const it = recorder(written, { store: { append } });
    for (let i = 0; i < 3; i += 1) {
      it.trace('accepted', MESSAGE);
      await it.flush();
    }
    expect([it.dropped, it.warnings.length]).toEqual([3, 1]);
    isAway = false;
    it.trace('accepted', MESSAGE);
    await it.flush();
    expect(written).toHaveLength(1);
  });

  test('are not written while memory is short, nor kept without a bound', async () => {
    const written: TracedStep[][] = [];
    const it = recorder(written, { hasRoom: () => false });
    for (let i = 0; i < 25_000; i += 1) it.trace('accepted', MESSAGE);
    expect(it.dropped).toBe(5000);
    await it.flush();
    expect([it.dropped, written.length]).toEqual([25_000, 0]);
  });

  test('cost nothing where neither they nor the log are wanted', () => {
    const log = { isLevelEnabled: () => false, debug: () => {}, trace: () => {} };
    expect(bothTraces(openMessageTrace(log, { bodies: false }), undefined)).toBeUndefined();
  });
});

function bound(it: StepRecorder) {
  return { trace: it.trace, flush: () => it.flush() };
}

describe('what happens next', () => {
  const LIFE = 1_000_000;
  const record = { state: 'pending', storedAt: 0 } as Found['record'];

  test('is what the rules say, in every situation', () => {
    for (const situation of SITUATIONS) {
      const rule = ruleFor(situation);
      const soon = nextStepOf({ record, situation, due: 5000 }, LIFE);
      const late = nextStepOf({ record, situation, due: LIFE }, LIFE);
      const expected = { lease: 'send', timetable: 'send', unconfirmed: 'send', ask: 'ask' } as const;
      if (rule.timer !== 'none') expect(soon).toMatchObject({ what: expected[rule.timer], at: 5000 });
      else {
        expect(['login', 'end']).toContain(soon?.what);
        // When its time runs out, and not when it is only looked at.
        expect(soon?.at).toBe(LIFE);
      }
      expect(['login', 'end']).toContain(late?.what);
      expect(late).toMatchObject({ at: LIFE, ends: rule.ends });
    }
  });

  test('is nothing for what has ended', () => {
    const ended = { ...record, state: 'delivered' } as Found['record'];
    const [situation] = SITUATIONS;
    expect(nextStepOf({ record: ended, situation: situation as never, due: undefined }, LIFE)).toBeUndefined();
  });
});

describe('a survey of what waits', () => {
  const found = (n: number) =>
    ({ record: { key: `k${n}`, firstStoredAt: 100 - n, state: 'pending' }, kept: false, due: n }) as unknown as Found;

  test('goes portion by portion, leaves out what comes twice, and has the oldest first', async () => {
    const portions: Record<string, { found: Found[]; next: string | undefined }> = {
      0: { found: [found(1), found(2)], next: '7' },
      7: { found: [found(2), found(3)], next: undefined },
    };
    const asked: string[] = [];
    const pending = async (cursor: string) => {
      asked.push(cursor);
      return portions[cursor]!;
    };
    const survey = new PendingSurvey({ queries: { pending } });
    const [one, other] = await Promise.all([survey.take(), survey.take()]);
    expect(one).toBe(other);
    expect(one.messages.map(({ key }) => key)).toEqual(['k3', 'k2', 'k1']);
    expect(one.all).toBe(true);
    expect(asked).toEqual(['0', '7']);
  });

  test('ends when it has enough, and says that there is more', async () => {
    let n = 0;
    const pending = async () => {
      n += 2;
      return { found: [found(n - 1), found(n)], next: '1' };
    };
    const { messages, all } = await new PendingSurvey({ queries: { pending }, most: 5 }).take();
    expect([messages.length, all]).toEqual([6, false]);
  });
});
