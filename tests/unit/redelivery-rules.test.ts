import { cellOf, RULES, ruleFor, SITUATIONS, type Situation } from '../../src/store/redelivery-rules.ts';

const of = (presence: Situation['presence'], acknowledges: Situation['acknowledges'], copy: Situation['copy']) =>
  ruleFor({ presence, acknowledges, copy });

test('each situation has its place in the strings, and each kind of rule a letter for each', () => {
  expect(SITUATIONS.map(cellOf)).toEqual(SITUATIONS.map((_, i) => i));
  expect(SITUATIONS).toHaveLength(27);
  expect(RULES).toHaveLength(7 * 27);
});

test('known to be away, with a copy out: never by the clock', () => {
  for (const acknowledges of ['yes', 'no', 'unknown'] as const) {
    expect(of('offline', acknowledges, 'handed over').timer).toBe('none');
    expect(of('offline', acknowledges, 'bounced').timer).toBe('none');
  }
});

test('what nobody was given is sent at once, whoever he is', () => {
  for (const situation of SITUATIONS.filter(({ copy }) => copy === 'none')) {
    expect(ruleFor(situation)).toMatchObject({ timer: 'lease', ends: 'expired' });
  }
});

test('a client that gives no receipts is sent one copy, and its silence is no failure', () => {
  expect(of('unknown', 'no', 'handed over')).toEqual(of('unknown', 'unknown', 'handed over'));
  for (const presence of ['online', 'offline'] as const) {
    expect(of(presence, 'no', 'handed over')).toEqual({
      timer: 'none',
      presence: false,
      sessionEnded: 'never',
      stored: false,
      gap: false,
      silent: 'never',
      ends: 'unconfirmed',
    });
  }
});

test('the timetable is for those of whom nothing is known', () => {
  expect(of('unknown', 'yes', 'handed over').timer).toBe('timetable');
  expect(of('unknown', 'unknown', 'handed over').timer).toBe('unconfirmed');
  expect(of('online', 'yes', 'handed over').timer).toBe('ask');
});
