import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PORTS_OF_AN_INNER_RUN } from '../support/process/ports.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { until } from '../support/time/until.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Without a server that is not ours: what is tried is how things end, and slixmpp does not trust just any certificate. */
const OWN = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('E2E_')));
/** ms */
const AT_MOST = 90_000;

let folder: string;

beforeAll(async () => {
  folder = await temporaryFolder('ends');
});
afterAll(() => removeFolder(folder));

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Runs jest on one file that no other run of it takes, in jest's own process, where what is left open counts. */
async function run(fixture: string): Promise<{ code: number | null; output: string; pids: number[] }> {
  const file = path.join(folder, fixture);
  const where = ['--runInBand', '--testMatch', `<rootDir>/tests/fixtures/${fixture}.ts`];
  const jest = spawn(process.execPath, [path.join(ROOT, 'tools/jest.mjs'), ...where], {
    cwd: ROOT,
    env: { ...OWN, NODE_OPTIONS: '', TEST_PORTS: PORTS_OF_AN_INNER_RUN, LEFT_OPEN_PIDS: file },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [jest.stdout, jest.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const tooLate = setTimeout(() => jest.kill('SIGKILL'), AT_MOST);
  const [code] = (await once(jest, 'close')) as [number | null];
  clearTimeout(tooLate);
  const pids = await readFile(file, 'utf8').catch(() => '');
  return { code, output, pids: pids.split('\n').filter(Boolean).map(Number) };
}

test('a test that fails while its servers run: jest ends with 1, and nothing of it is left', async () => {
  const { code, output, pids } = await run('left-open');
  expect(output).toContain('a failure');
  expect(output).toContain('has left open: ');
  expect({ code, output }).toMatchObject({ code: 1 });
  expect(output).not.toContain('keeps jest from ending');
  expect(pids.length).toBeGreaterThanOrEqual(4);
  await until(() => !pids.some(runs), { what: 'its processes to end' });
});

test('a file that leaves what nobody knows of is ended, in words, with 1', async () => {
  const { code, output, pids } = await run('runs-on');
  expect({ code, output }).toMatchObject({ code: 1 });
  expect(output).toMatch(/keeps jest from ending: .*TCPServerWrap/);
  expect(output).toContain('1 passed, 0 failed');
  expect(pids).toHaveLength(2);
  await until(() => !pids.some(runs), { what: 'its processes to end' });
});
