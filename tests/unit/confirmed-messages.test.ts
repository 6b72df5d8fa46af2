// Which of several messages of one id a client confirms.
import { type Confirming, hasRead, meantBy, type OfThatId } from '../../src/delivery/gate/confirmed-messages.ts';
import { type Facts, newFacts } from '../../src/gate/facts.ts';
import type { StoredRecord } from '../../src/store/contract.ts';

const KEY = 'AAbbbbbbbbbbbb';
const [FIRST, SECOND, THIRD] = ['', '~0123456789abcdef', '~fedcba9876543210'].map((mark) => KEY + mark) as [
  string,
  string,
  string,
];
const D: Confirming = { by: 'receipt', jid: 'bob@s/D', resource: 'D', id: 'D' };

const ref = (id: string) => ({ jid: `bob@s/${id}`, id });
/** What a gate has said: copy by copy, the sessions that were given it. */
function given(...copies: string[][]): Facts {
  const facts = newFacts();
  for (const [place, sessions] of copies.entries()) {
    const copy = place + 1;
    const states = new Set(['sent'] as const);
    const rest = { condition: undefined, acknowledged: false, missed: [] };
    facts.outcomes.set(copy, { n: 'e-1', copy, states, sessions: sessions.map(ref), ...rest });
  }
  return facts;
}
/** It was let go without a verdict. */
function passed(sessions: string[]): Facts {
  const facts = newFacts();
  const rest = { condition: undefined, acknowledged: false, missed: [] };
  facts.outcomes.set(1, { n: 'e-2', copy: 1, states: new Set(['passed']), sessions: sessions.map(ref), ...rest });
  return facts;
}
function one(key: string, facts?: Facts, state: StoredRecord['state'] = 'pending', receiptResource = ''): OfThatId {
  return { record: { key, state, receiptResource } as StoredRecord, facts };
}
const meant = (all: OfThatId[], session: Partial<Confirming> = {}) => {
  const found = meantBy(all, { ...D, ...session });
  return 'key' in found ? `${found.what} ${found.key}` : found.what;
};

test('of one alone nothing has to be known, unless it is told apart by its mark', () => {
  expect(meant([])).toBe('any');
  expect(meant([one(FIRST, given(['P']))])).toBe('any');
  expect(meant([one(SECOND, given(['P']))])).toBe('any');
  expect(meant([one(SECOND, given(['D']))])).toBe(`one ${SECOND}`);
});

test('it is the oldest that the session was given, and has not confirmed', () => {
  expect(meant([one(FIRST, given(['P'])), one(SECOND, given(['D'])), one(THIRD, given(['D']))])).toBe(`one ${SECOND}`);
  expect(meant([one(FIRST, given(['D'])), one(SECOND, given(['D']))])).toBe(`one ${FIRST}`);
  const confirmed = one(FIRST, undefined, 'delivered', 'D');
  expect(meant([confirmed, one(SECOND, given(['D']))])).toBe(`one ${SECOND}`);
  expect(meant([confirmed, one(SECOND, given(['P']))])).toBe(`confirmed ${FIRST}`);
  expect(meant([{ ...one(FIRST, given(['D'])), isInHand: true }, one(SECOND, given(['D']))])).toBe(`one ${SECOND}`);
});

test('one that its server has proved is still to be confirmed', () => {
  const proved = one(FIRST, undefined, 'unconfirmed', 'D');
  expect(meant([proved, one(SECOND, given(['D']))])).toBe(`one ${FIRST}`);
  expect(meant([one(FIRST, given(['P'])), one(SECOND, undefined, 'unconfirmed', 'D')])).toBe(`one ${SECOND}`);
});

test('what another session has confirmed is confirmed once more, as long as that is known', () => {
  const facts = given(['P', 'D']);
  const all = [one(FIRST, facts, 'delivered', 'P'), one(SECOND, given(['P', 'D']))];
  expect(meant(all)).toBe(`confirmed ${FIRST}`);
  facts.has.set('D', 1);
  expect(meant(all)).toBe(`one ${SECOND}`);
});

test('a session that was given none of them may have looked into an archive', () => {
  expect(meant([one(FIRST, given(['P'])), one(SECOND, given(['P']))])).toBe('any');
  expect(meant([one(FIRST), one(SECOND)])).toBe('any');
});

test('copies of all but the first go out under ids of their own', () => {
  expect(meant([one(FIRST, given(['P'])), one(SECOND, given(['P'], ['D']))])).toBe('any');
  expect(meant([one(FIRST, given(['P'], ['D'])), one(SECOND, given(['D']))])).toBe(`one ${FIRST}`);
});

test('what came from offline storage was given, and what was let go without a verdict may have been', () => {
  const flushed = given([]);
  flushed.flushed.push(ref('D'));
  expect(meant([one(FIRST, given(['P'])), one(SECOND, flushed)])).toBe(`one ${SECOND}`);
  expect(meant([one(FIRST, given(['P'])), one(SECOND, passed([]))])).toBe(`one ${SECOND}`);
});

test('what was let go without a verdict may have gone to the sessions that the gate names, and to no others', () => {
  const all = (id: string) => [one(FIRST, passed([id])), one(SECOND, given(['D']))];
  expect(meant(all('P'))).toBe(`one ${SECOND}`);
  expect(meant(all('D'))).toBe(`one ${FIRST}`);
});

test('a session that has ended is known by its address', () => {
  const all = [one(FIRST, given(['P'])), one(SECOND, given(['D']))];
  expect(meant(all, { id: undefined })).toBe(`one ${SECOND}`);
  expect(meant(all, { id: 'later' })).toBe('any');
});

test.each(['marker', 'reply', 'reaction'] as const)('a %s may be for what a receipt was for', (by) => {
  const second = one(SECOND, given(['D']));
  expect(meant([one(FIRST, given(['P'])), second], { by })).toBe(`one ${SECOND}`);
  expect(meant([one(FIRST, given(['D'])), second], { by })).toBe(`one ${FIRST}`);
  // Nothing that is pending is found by the key alone.
  expect(meant([one(FIRST, undefined, 'delivered', 'D'), second], { by })).toBe('any');
  expect(meant([one(FIRST, given(['P'])), one(SECOND, undefined, 'delivered', 'D'), second], { by })).toBe('none');
});

describe('what the session of a marker has read of what was stored before', () => {
  const held = (facts?: Facts, heldAs: string | undefined = 'e-1') => ({
    record: { key: FIRST, state: 'pending', heldAs } as StoredRecord,
    facts,
  });
  const read = (facts: Facts | undefined, named?: Facts, session: Partial<Confirming> = {}) =>
    hasRead(held(facts), named, { ...D, by: 'marker', ...session });

  test('is what it was given, by whatever copy, or from offline storage', () => {
    expect([read(given(['D'])), read(given(['P'], ['D'])), read(given(['P'])), read(undefined)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const flushed = given([]);
    flushed.flushed.push(ref('D'));
    expect(read(flushed)).toBe(true);
    expect(read(given(['D']), undefined, { id: 'later' })).toBe(false);
    expect(read(given(['D']), undefined, { id: undefined })).toBe(true);
  });

  test('is what its client has proved to have', () => {
    const facts = given(['P']);
    facts.has.set('D', 1);
    expect(read(facts)).toBe(true);
  });

  test.each(['passed', 'dropped'] as const)('may be what was %s, of which nobody has seen whom it went to', (state) => {
    const facts = newFacts();
    const rest = { condition: undefined, acknowledged: false, missed: [] };
    facts.outcomes.set(1, { n: 'e-1', copy: 1, states: new Set([state]), sessions: [], ...rest });
    expect(read(facts)).toBe(true);
  });

  test('is not what was passed to others, where the gate names them', () => {
    expect([read(passed(['P'])), read(passed(['P', 'D']))]).toEqual([false, true]);
  });

  test('is what was given unheld while it was there', () => {
    const of = (unheld: string[]) => hasRead({ ...held(newFacts()), unheld }, undefined, D);
    expect([of(['P', 'D']), of(['P'])]).toEqual([true, false]);
  });

  test('is left to the store where no gate held it', () => {
    const { record } = held();
    expect(hasRead({ record: { ...record, heldAs: undefined }, facts: undefined }, undefined, D)).toBe(true);
  });

  test('is, where it was not given the one that it names either, what it may have had as a carbon', () => {
    const named = given(['P']);
    const facts = { ...given(['P']), given: 5 };
    expect([read(facts, named, { began: 4 }), read(facts, named, { began: 6 })]).toEqual([true, false]);
    expect(read(facts, given(['D']), { began: 4 })).toBe(false);
    expect(read(facts, newFacts(), { began: 4 })).toBe(false);
    const [outcome] = facts.outcomes.values();
    if (outcome !== undefined) facts.outcomes.set(1, { ...outcome, missed: ['D'] });
    expect(read(facts, named, { began: 4 })).toBe(false);
  });
});
