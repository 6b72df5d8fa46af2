import fc from 'fast-check';
import {
  after,
  ENDINGS,
  EVENTS,
  type Life,
  type MessageEvent,
  STATES,
  TRANSITIONS,
} from '../../src/delivery/message-state.ts';

const ALL_EVENTS = Object.keys(EVENTS) as MessageEvent[];
const LIVES: readonly Life[] = STATES.flatMap((state) => [true, false].map((isKept) => ({ state, isKept })));
const START: Life = { state: 'pending', isKept: false };

test('what was delivered stays delivered, and owes nothing more', () => {
  for (const event of ALL_EVENTS) {
    const life: Life = { state: 'delivered', isKept: false };
    expect(after(life, event)).toEqual({ life, ending: undefined });
  }
});

test('what has ended otherwise changes only by a late proof of arrival, or by a new life', () => {
  for (const life of LIVES.filter(({ state }) => state !== 'pending')) {
    for (const event of ALL_EVENTS) {
      const { state } = after(life, event).life;
      const isKeptState = event === 'requeued' && life.isKept && TRANSITIONS[life.state].requeued !== undefined;
      if (event === 'confirmed') expect(state).toBe('delivered');
      else expect([event, state]).toEqual([event, isKeptState ? 'pending' : life.state]);
    }
  }
});

test('only a failure is put down as a dead letter, and each one is', () => {
  for (const { sender, deadLetter } of Object.values(ENDINGS)) {
    expect(deadLetter === 'put').toBe(sender === 'failure');
  }
});

test('on any way through a life each thing is owed once', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ALL_EVENTS), { maxLength: 40 }), (events) => {
      let life = START;
      let noticesOfThisLife = 0;
      let receipts = 0;
      let deadLetters = 0;
      for (const event of events) {
        const before = life;
        const { life: next, ending } = after(life, event);
        life = next;
        if (ending === undefined) {
          expect(life).toEqual(before);
          continue;
        }
        const { sender, deadLetter, to } = ENDINGS[ending];
        if (ending === 'requeued') noticesOfThisLife = 0;
        if (sender === 'receipt') receipts += 1;
        if (sender === 'failure' || sender === 'doubt') noticesOfThisLife += 1;
        if (deadLetter === 'put') deadLetters += 1;
        if (deadLetter === 'remove') deadLetters = 0;
        expect(life.state).toBe(to ?? before.state);
        expect(noticesOfThisLife).toBeLessThanOrEqual(1);
        expect(receipts).toBe(life.state === 'delivered' ? 1 : 0);
        // Whatever can be sent after all has a dead letter from which that can be done.
        expect(deadLetters).toBe(life.isKept || life.state === 'quarantined' ? 1 : 0);
      }
    }),
    { numRuns: 2000 },
  );
});

test('every state can be reached, and every ending', () => {
  const reached = new Set<string>(['pending']);
  const endings = new Set<string>();
  let open: Life[] = [START];
  while (open.length > 0) {
    const steps = open.flatMap((life) => ALL_EVENTS.map((event) => after(life, event)));
    for (const { ending } of steps) if (ending !== undefined) endings.add(ending);
    open = steps.map(({ life }) => life).filter(({ state }) => !reached.has(state));
    for (const { state } of open) reached.add(state);
  }
  expect([...reached].sort()).toEqual([...STATES].sort());
  expect([...endings].sort()).toEqual(Object.keys(ENDINGS).sort());
});
