import fc from 'fast-check';
import { choice, runsFor } from '../../faults/campaign.ts';
import { check } from '../../faults/checker.ts';
import { MODES, type Mode } from '../../faults/mode.ts';
import { withNotes } from '../../faults/notes.ts';
import { Random } from '../../faults/random.ts';
import { explain, figures } from '../../faults/report.ts';
import { SCENARIOS } from '../../faults/scenarios.ts';
import { meaning } from '../../faults/senders.ts';
import { insideCharacter, StanzaBoundaries } from '../../faults/stanzas.ts';
import { document, groupPage, kept, nameOf } from '../../faults/table.ts';
import { MadeUp } from '../support/faults/made-up-history.ts';

const [scenario] = SCENARIOS as [(typeof SCENARIOS)[number]];

describe('where stanzas end', () => {
  const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' from="a>b">`;
  const STANZAS = [
    '<message id="1"><body>你好 😀 &lt;b&gt;</body><request xmlns="x"/></message>',
    "<iq type='result' id='/>'/>",
    '<message to="é>"><a><b/><b></b></a></message>',
  ];
  const STREAM = Buffer.from([HEADER, ...STANZAS, '</stream:stream>'].join(''));

  test('property: the same, however the bytes are cut into chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: STREAM.length - 1 })), (cuts) => {
        const boundaries = new StanzaBoundaries();
        const found: number[] = [];
        const edges = [0, ...[...new Set(cuts)].sort((a, b) => a - b), STREAM.length];
        for (const [i, from] of edges.slice(0, -1).entries()) {
          for (const end of boundaries.ends(STREAM.subarray(from, edges[i + 1]))) found.push(from + end);
        }
        const pieces = found.map((end, i) => STREAM.subarray(found[i - 1] ?? 0, end).toString());
        expect(pieces).toEqual([HEADER, ...STANZAS]);
      }),
    );
  });

  test('inside a character of several bytes', () => {
    expect(insideCharacter(Buffer.from('plain'))).toBe(-1);
    const cut = Buffer.from('aé').subarray(0, insideCharacter(Buffer.from('aé')));
    expect(cut.length).toBe(2);
    expect(cut.toString()).toBe('a\uFFFD');
  });
});

test('a server that finds no component ends one attempt, not the message', () => {
  expect(meaning('cancel', 'remote-server-not-found')).toBe('refused');
  expect(meaning('wait', 'resource-constraint')).toBe('refused');
  expect(meaning('wait', 'recipient-unavailable')).toBe('failed');
  expect(meaning('cancel', 'service-unavailable')).toBe('failed');
});

describe('a seed', () => {
  test('puts a list into an order, with all that was in it', () => {
    const list = ['a', 'b', 'c', 'd', 'e'];
    const orders = [1, 2, 3, 4].map((seed) => new Random(seed).shuffle(list));
    for (const order of orders) expect([...order].sort()).toEqual(list);
    expect(new Set(orders.map(String)).size).toBeGreaterThan(1);
    expect(new Random(1).shuffle(list)).toEqual(orders[0]);
  });

  const some = (random: Random) => Array.from({ length: 20 }, () => random.between(1, 1000));

  test('decides the same again, and another seed or name something else', () => {
    expect(some(new Random(7))).toEqual(some(new Random(7)));
    expect(some(new Random(7))).not.toEqual(some(new Random(8)));
    expect(some(new Random(7).fork('a'))).toEqual(some(new Random(7).fork('a')));
    expect(some(new Random(7).fork('a'))).not.toEqual(some(new Random(7).fork('b')));
  });

  test('a fork decides the same whatever the others have decided', () => {
    const random = new Random(7);
    some(random);
    expect(some(random.fork('a'))).toEqual(some(new Random(7).fork('a')));
  });

  test('property: within the bounds, both of them reached', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new Random(seed);
        const rolls = new Set(Array.from({ length: 200 }, () => random.between(1, 6)));
        expect([...rolls].sort()).toEqual([1, 2, 3, 4, 5, 6]);
      }),
    );
  });

  test('each round of a campaign has its own; without a time there is one round', () => {
    const once = [...runsFor(SCENARIOS.slice(0, 2), 5, undefined)];
    expect(once.map(({ seed }) => seed)).toEqual([5, 5]);
    const long = runsFor(SCENARIOS.slice(0, 2), 5, 60_000);
    expect(Array.from({ length: 4 }, () => long.next().value?.seed)).toEqual([5, 5, 6, 6]);
    expect([...runsFor(SCENARIOS, 5, 0)]).toEqual([]);
  });
});

describe('what is reported', () => {
  const history = new MadeUp()
    .well(0, 'fine')
    .message('long')
    .wrote(1000, 'long')
    .wrote(3000, 'long')
    .acknowledged(3100, 'long')
    .message('short')
    .wrote(2000, 'short')
    .acknowledged(2100, 'short')
    .fault(1900, 2050, { name: 'Redis hangs' })
    .message('refused')
    .wrote(2000, 'refused')
    .notified(2100, 'refused', 'refused')
    .saw(2200, 'refused')
    .end(90_000)
    .history();
  const outcome = {
    scenario,
    seed: 42,
    history,
    violations: check(history),
    redis: 'one' as const,
    took: 1000,
    output: '',
  };

  test('of each rule the shortest history, with the faults around it and how to see it again', () => {
    expect(explain(outcome).split('\n')).toEqual([
      'lost (2)',
      '  It was acknowledged; nobody was given it, and its sender was told nothing.',
      '  short, alice to bob:',
      '    1.900 s    (begins: Redis hangs)',
      '    2.000 s  the sender writes it, to receipts.localhost',
      '    2.050 s    (over: Redis hangs)',
      '    2.100 s  the sender is told that it is stored, by receipts.localhost',
      '',
      `Again: npm run faults -- --scenario ${scenario.name} --seed 42`,
    ]);
  });

  test('the figures, and the table of all runs', () => {
    expect(figures(outcome)).toEqual({
      runs: 1,
      messages: 4,
      acknowledged: 3,
      delivered: 2,
      told: 1,
      lost: 2,
      copies: 0,
      refused: 1,
      deliveredAfterRefusal: 1,
      violations: 2,
    });
    const run = { name: scenario.name, figures: figures(outcome) };
    expect(document('subdomain', SCENARIOS, [run, run])).toContain(
      `| \`${scenario.name}\` | ${scenario.about} | 2 | 8 | 6 | 4 | 2 | 4 | 0 | 4 |`,
    );
  });
});

test('a page that is added to keeps the rows of what was not run, and how many were refused', () => {
  const [one, other] = SCENARIOS as [(typeof SCENARIOS)[number], (typeof SCENARIOS)[number]];
  const figures = {
    ...{ runs: 1, messages: 1234, acknowledged: 1200, delivered: 1201, told: 1200, lost: 0, copies: 17 },
    ...{ refused: 34, deliveredAfterRefusal: 1, violations: 0 },
  };
  const page = document(
    'subdomain',
    SCENARIOS,
    [one, other].map(({ name }) => ({ name, figures })),
  );
  const anew = [{ name: other.name, figures: { ...figures, messages: 2000 } }];
  const text = document('subdomain', SCENARIOS, [...kept(page, anew), ...anew]);
  expect(text).toContain(`| \`${one.name}\` | ${one.about} | 1 | 1,234 | 1,200 | 1,201 | 1,200 | 0 | 17 | 0 |`);
  expect(text).toContain(`| \`${other.name}\` | ${other.about} | 1 | 2,000 | 1,200 | 1,201 | 1,200 | 0 | 17 | 0 |`);
  expect(text).toContain('| all |  | 2 | 3,234 | 2,400 | 2,402 | 2,400 | 0 | 34 | 0 |');
  expect(text).toContain('Of 102 messages that were refused');
});

test('a page that is made anew keeps what somebody has written below its table', () => {
  const [{ name }] = SCENARIOS as [(typeof SCENARIOS)[number]];
  const figures = {
    ...{ runs: 1, messages: 1, acknowledged: 1, delivered: 1, told: 1, lost: 0, copies: 0 },
    ...{ refused: 0, deliveredAfterRefusal: 0, violations: 0 },
  };
  const notes = 'Seed 12, on a day\nin November, for $& or $1.\n\nNo limit of this page.';
  const once = [{ name, figures }];
  const twice = [...once, ...once];
  for (const made of [
    (runs: typeof once) => document('transparent', SCENARIOS, runs),
    (runs: typeof once) => document('subdomain', SCENARIOS, runs),
    (runs: typeof once) => groupPage(SCENARIOS, runs),
  ]) {
    expect(withNotes(made(twice), made(once))).toBe(made(twice));
    const page = made(once).replace(/(\| all \|.*\n)/, (row) => `${row}\n${notes}\n`);
    const anew = withNotes(made(twice), page);
    expect(anew.replace(`\n${notes}\n`, '')).toBe(made(twice));
    expect(withNotes(made(twice), anew)).toBe(anew);
  }
});

test('on several Redis a scenario has a row for each kind and mode, and one kind that is run anew leaves the other', () => {
  const name = 'sessions-resumed-redis';
  const [scenario] = SCENARIOS.filter((one) => one.name === name) as [(typeof SCENARIOS)[number]];
  const figures = (messages: number) => ({
    ...{ runs: 1, messages, acknowledged: 9, delivered: 9, told: 9, lost: 0, copies: 5 },
    ...{ refused: 1, deliveredAfterRefusal: 0, violations: 0 },
  });
  const run = (redis: 'cluster' | 'sentinel', mode: Mode, messages: number) => ({
    name: nameOf({ scenario: name, mode, redis }),
    figures: figures(messages),
  });
  const before = groupPage(SCENARIOS, [run('cluster', 'subdomain', 10), run('sentinel', 'transparent', 20)]);
  const anew = [run('sentinel', 'transparent', 30)];
  const page = groupPage(SCENARIOS, [...kept(before, anew), ...anew]);
  const rest = '9 | 9 | 9 | 0 | 5 | 0 |';
  expect(page.match(/^\| `.*$/gm)).toEqual([
    `| \`${name} --redis cluster\` | ${scenario.about}; DURABILITY=replicas:1 | 1 | 10 | ${rest}`,
    `| \`${name} --redis sentinel --mode transparent\` | ${scenario.about}; DURABILITY=replicas:2 | 1 | 30 | ${rest}`,
  ]);
});

test('what does not hurt the one Redis is done on every kind, in each mode that has it; CI runs what it ran', () => {
  for (const mode of MODES) {
    const one = choice(SCENARIOS, { mode, redis: 'one' });
    const elsewhere = one.filter(({ redis }) => redis !== 'one').map(({ name }) => name);
    const wanted = [
      'link-cut',
      'proxy-killed',
      'server-killed',
      'machine-restarted',
      'sessions-resumed-redis',
      'mixed',
    ];
    expect(elsewhere).toEqual(expect.arrayContaining(wanted));
    for (const redis of ['cluster', 'sentinel'] as const) {
      const names = choice(SCENARIOS, { mode, redis }).map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(elsewhere));
      expect(names.filter((name) => !elsewhere.includes(name)).every((name) => name.startsWith(redis))).toBe(true);
    }
  }
  expect(MODES.flatMap((mode) => choice(SCENARIOS, { mode, ci: true })).length).toBe(9);
});

test('runs at a rate have a row of their own, which says the rate that was reached, and is kept', () => {
  const [scenario] = SCENARIOS as [(typeof SCENARIOS)[number]];
  const figures = {
    ...{ runs: 1, messages: 12_000, acknowledged: 11_999, delivered: 12_000, told: 11_999, lost: 0, copies: 5 },
    ...{ refused: 1, deliveredAfterRefusal: 0, violations: 0 },
  };
  const run = (reached: number) => ({
    name: nameOf({ scenario: scenario.name, mode: 'subdomain', redis: 'one', rate: 1000 }),
    figures,
    reached,
  });
  const page = document('subdomain', SCENARIOS, [run(700.4), run(800)]);
  const row = `| \`${scenario.name} --rate 1000\` | ${scenario.about}; 750 of 1,000 messages a second | 2 | 24,000 |`;
  expect(page).toContain(row);
  const anew = [{ name: scenario.name, figures }];
  const text = document('subdomain', SCENARIOS, [...kept(page, anew), ...anew]);
  expect(text).toContain(row);
  expect(text).toContain(`| \`${scenario.name}\` | ${scenario.about} | 1 | 12,000 |`);
});

test('every scenario has a name of its own that a command line takes, and CI runs some', () => {
  const names = SCENARIOS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z-]+$/);
  expect(SCENARIOS.filter(({ ci }) => ci).length).toBeGreaterThan(2);
});
