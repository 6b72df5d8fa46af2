import { ROWS } from '../../bench/loss/rows.ts';
import { COLUMNS, type Column, Stage } from '../../bench/loss/stage.ts';

// The same as `npm run measure:loss`, in small: docs/loss.md has the table.
const MESSAGES = 20;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

function column(letter: string): Column {
  return COLUMNS.find(({ name }) => name.startsWith(`(${letter})`)) as Column;
}

test('the measurement sees what is lost: plain chat to a frozen recipient loses all, and nobody is told', async () => {
  const frozen = ROWS.find(({ name }) => name.startsWith('recipient frozen'));
  const outcome = await stage.measure(frozen as (typeof ROWS)[0], column('a'), MESSAGES);
  expect(outcome).toMatchObject({ lost: MESSAGES, once: 0, twice: 0, unnoticed: MESSAGES });
});

// That one is in outages.test.ts.
describe.each(ROWS.filter(({ name }) => name !== 'Redis down'))('$name', (row) => {
  test('the proxy with stock clients loses nothing that it acknowledged, and no message comes more than once too often', async () => {
    const outcome = await stage.measure(row, column('d'), MESSAGES);
    if (outcome === undefined) return;
    expect(outcome.unnoticed).toBe(0);
    expect(outcome.mostNeedless).toBeLessThanOrEqual(1);
  });

  test('the proxy with the library loses nothing, and the application sees nothing twice', async () => {
    const outcome = await stage.measure(row, column('e'), MESSAGES);
    if (outcome !== undefined) expect(outcome).toMatchObject({ lost: 0, once: MESSAGES, twice: 0, unnoticed: 0 });
  });
});

test.each(['recipient frozen', 'proxy killed'])(
  '%s, in transparent mode: nothing is lost, and the proxy makes no needless copy',
  async (name) => {
    const row = ROWS.find((one) => one.name.startsWith(name)) as (typeof ROWS)[0];
    const transparent = await Stage.open(true);
    try {
      const outcome = await transparent.measure(row, column('f'), MESSAGES);
      expect(outcome).toMatchObject({ lost: 0, once: MESSAGES, ours: 0 });
    } finally {
      await transparent.close();
    }
  },
);
