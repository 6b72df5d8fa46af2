// Whether a message that nobody has confirmed is sent again, by what the gate has seen: rules 2, 17, 18, 20 to 22 of the gate.

import type { OutcomeState, SessionRef } from '../../src/gate/events.ts';
import { decide, type Facts, type KnownSession, newFacts, type Question } from '../../src/gate/facts.ts';
import { GateSessions } from '../../src/gate/sessions.ts';
import { Verdicts } from '../../src/gate/verdicts.ts';

const NOW = 1_000_000;
const GRACES = { proof: 5000, flush: 3000 };
const PHONE: KnownSession = {
  jid: 'bob@s/phone',
  id: 'P',
  state: 'available',
  priority: 0,
  since: NOW - 60_000,
  began: 1,
};
const DESK: KnownSession = {
  jid: 'bob@s/desk',
  id: 'D',
  state: 'available',
  priority: 0,
  since: NOW - 50_000,
  began: 2,
};
const TABLET: KnownSession = { ...DESK, jid: 'bob@s/tablet', id: 'T', began: 9 };

function seen(
  state: OutcomeState[],
  sessions: SessionRef[] = [],
  more: (facts: Facts) => void = () => {},
  missed: string[] = [],
): Facts {
  const facts = newFacts();
  facts.outcomes.set(1, {
    n: 'e-1',
    copy: 1,
    states: new Set(state),
    condition: undefined,
    acknowledged: false,
    sessions,
    missed,
  });
  facts.given = 5;
  more(facts);
  return facts;
}
const ask = (facts: Facts | undefined, sessions: KnownSession[], more: Partial<Question> = {}) =>
  decide({ n: 'e-1', facts, sessions, epoch: 'e', asked: false, copies: 1, now: NOW, ...more }, GRACES);
const to = (jid: string, copy = 2) => ({ what: 'deliver', to: jid, copy });

test.each<[string, ReturnType<typeof ask>, object]>([
  ['nothing is known: the gate is asked', ask(undefined, [PHONE]), { what: 'ask' }],
  ['nor after that', ask(undefined, [PHONE], { asked: true }), to('bob@s/phone')],
  ['its server was restarted', ask(undefined, [PHONE], { epoch: 'f' }), to('bob@s/phone')],
  ['its server was restarted, and nobody is there', ask(undefined, [], { epoch: 'f' }), { what: 'wait' }],
  ['a session that lives has it unacknowledged', ask(seen(['sent'], [PHONE]), [PHONE, DESK]), { what: 'wait' }],
  ['so has a detached one', ask(seen(['sent'], [PHONE]), [{ ...PHONE, state: 'detached' }, DESK]), { what: 'wait' }],
  [
    'so has a detached one, and he has come with another device since',
    ask(seen(['sent'], [PHONE]), [{ ...PHONE, state: 'detached' }, { ...DESK, priority: 5 }, TABLET]),
    { ...to('bob@s/tablet'), mayResume: true },
  ],
  [
    'so has a detached one, and he came with another device while it was routed, which was given nothing',
    ask(seen(['sent'], [PHONE], undefined, ['D']), [{ ...PHONE, state: 'detached' }, DESK]),
    { ...to('bob@s/desk'), mayResume: true },
  ],
  [
    'the same, and that one is not there any more',
    ask(seen(['sent'], [PHONE], undefined, ['T']), [{ ...PHONE, state: 'detached' }, DESK]),
    { what: 'wait' },
  ],
  [
    'one of two that have it lives',
    ask(seen(['sent'], [PHONE, DESK]), [{ ...PHONE, state: 'detached' }, DESK, TABLET]),
    { what: 'wait' },
  ],
  ['its session has ended', ask(seen(['sent'], [PHONE]), [DESK]), to('bob@s/desk')],
  ['another is on that resource', ask(seen(['sent'], [PHONE]), [{ ...PHONE, id: 'Q' }]), to('bob@s/phone')],
  [
    'it was returned',
    ask(
      seen(['sent'], [PHONE], (it) => it.returned.add('P')),
      [PHONE, DESK],
    ),
    to('bob@s/desk'),
  ],
  ['let go without us: who was there may have it', ask(seen(['passed']), [DESK]), { what: 'wait' }],
  [
    'let go without us, and who was there is detached',
    ask(seen(['passed']), [{ ...DESK, state: 'detached' }, TABLET]),
    { what: 'wait' },
  ],
  ['let go without us, and who was there is gone', ask(seen(['passed']), [TABLET]), to('bob@s/tablet')],
  [
    'the same, just now: until what the server routes anew is confirmed',
    ask(
      seen(['passed'], [], (it) => {
        it.endedAt = NOW - 10;
      }),
      [TABLET],
    ),
    { what: 'wait', again: 2990 },
  ],
  [
    'let go without us, and he has just come: until the storage has had its time',
    ask(seen(['passed']), [{ ...TABLET, since: NOW - 10 }]),
    { what: 'wait', again: 2990 },
  ],
  ['let go without us to a session that is there', ask(seen(['passed'], [PHONE]), [PHONE, DESK]), { what: 'wait' }],
  [
    'let go without us to a session that had ended when that was told',
    ask(seen(['passed'], [PHONE]), [DESK]),
    to('bob@s/desk'),
  ],
  [
    'let go without us, and who took no messages was there',
    ask(seen(['passed']), [{ ...PHONE, priority: -1 }, TABLET]),
    to('bob@s/tablet'),
  ],
  [
    'let go without us, and confirmed by who is gone',
    ask(
      seen(['passed'], [], (it) => it.has.set('P', NOW - 5000)),
      [TABLET],
    ),
    { what: 'proved', by: '' },
  ],
  [
    'it was proved just now',
    ask(
      seen(['sent'], [PHONE], (it) => it.has.set('P', NOW - 10)),
      [DESK],
    ),
    { what: 'wait' },
  ],
  [
    'it was proved a while ago',
    ask(
      seen(['sent'], [PHONE], (it) => it.has.set('P', NOW - 5000)),
      [PHONE],
    ),
    { what: 'proved', by: 'bob@s/phone' },
  ],
  [
    'it is stored, and he has just come: until the storage has had its time',
    ask(seen(['offline']), [{ ...DESK, since: NOW - 10 }]),
    { what: 'wait', again: 2990 },
  ],
  ['it is stored, and no flush came', ask(seen(['offline']), [DESK]), to('bob@s/desk')],
  [
    'it was flushed',
    ask(
      seen(['offline'], [], (it) => it.flushed.push(DESK)),
      [DESK],
    ),
    { what: 'wait' },
  ],
  ['nothing was seen of it', ask(seen(['unknown']), [DESK]), to('bob@s/desk')],
  ['his session takes no messages', ask(seen(['unknown']), [{ ...DESK, priority: -1 }]), { what: 'wait' }],
  ['the higher priority', ask(seen(['unknown']), [{ ...PHONE, priority: 5 }, DESK]), to('bob@s/phone')],
])('%s', (_, decision, expected) => expect(decision).toEqual(expected));

test('one stanza, one verdict: the first counts, and the late one is let go', () => {
  const given: string[] = [];
  let now = 0;
  let late = 0;
  const verdicts = new Verdicts({
    send: (word, n) => given.push(`${word} ${n}`),
    onLate: () => (late += 1),
    now: () => now,
  });
  verdicts.begin(3000);
  for (const n of ['e-1', 'e-2', 'e-3']) verdicts.shown(n);
  expect(verdicts.give('drop', 'e-1')).toBe(true);
  expect(verdicts.give('pass', 'e-1')).toBe(false);
  expect(verdicts.give('stored', 'never-1')).toBe(false);
  now = 1500;
  verdicts.shown('e-4');
  now = 2100;
  verdicts.look();
  expect(given).toEqual(['drop e-1', 'pass e-2', 'pass e-3']);
  expect([late, verdicts.isOpen('e-2'), verdicts.isOpen('e-4')]).toEqual([2, false, true]);
  // Redis has it, and it waits for what is sent again before it: that must not make it one that nobody stored.
  verdicts.noteStored('e-4');
  verdicts.noteStored('e-2');
  now = 4000;
  verdicts.look();
  expect(given.slice(3)).toEqual(['stored e-4']);
  expect(late).toBe(2);
  expect(verdicts.give('stored', 'e-4')).toBe(false);
  verdicts.shown('e-5');
  verdicts.end();
  expect(verdicts.give('stored', 'e-5')).toBe(false);
});

test('a session whose resource is bound again is gone, and late word of it changes nothing', () => {
  const sessions = new GateSessions();
  let order = 0;
  const see = (state: 'bound' | 'available' | 'unavailable' | 'detached' | 'resumed' | 'gone', id = 'P') => {
    order += 1;
    const changes = sessions.seen({ jid: 'bob@s/phone', id, state, priority: 1 }, NOW, order);
    return changes.map(({ what, session }) => [what, session.id]);
  };
  expect(see('bound')).toEqual([]);
  expect(see('available')).toEqual([['available', 'P']]);
  expect(see('detached')).toEqual([['detached', 'P']]);
  expect(sessions.of('bob@s')).toMatchObject([{ state: 'detached', id: 'P', began: 2 }]);
  expect(see('resumed')).toEqual([['available', 'P']]);
  expect(sessions.of('bob@s')).toMatchObject([{ state: 'available', id: 'P', began: 2 }]);
  expect(see('bound', 'Q')).toEqual([['gone', 'P']]);
  expect(see('gone', 'P')).toEqual([]);
  expect(see('available', 'Q')).toEqual([['available', 'Q']]);
  expect(sessions.of('bob@s')).toMatchObject([{ id: 'Q', began: 7 }]);
  expect(see('gone', 'Q')).toEqual([['gone', 'Q']]);
  expect(sessions.of('bob@s')).toEqual([]);
  // Told of when a lease begins: it was there before.
  expect(see('detached', 'R')).toEqual([]);
  expect(see('resumed', 'R')).toEqual([['available', 'R']]);
  expect(sessions.of('bob@s')).toMatchObject([{ id: 'R', state: 'available', began: 9 }]);
});

test('without a grace a proof counts at once, also where it is heard after its session has detached', () => {
  const facts = seen(['sent'], [PHONE], (it) => it.has.set('P', NOW));
  const sessions: KnownSession[] = [{ ...PHONE, state: 'detached', detachedAt: NOW - 10 }];
  const question = { n: 'e-1', facts, sessions, epoch: 'e', asked: false, copies: 1, now: NOW + 5 };
  expect(decide(question, { ...GRACES, proof: 0 })).toEqual({ what: 'proved', by: 'bob@s/phone' });
  expect(decide(question, GRACES)).toEqual({ what: 'wait' });
});
