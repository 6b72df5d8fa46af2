// Runs jest on our ES modules: its arguments are jest's. The last line counts the tests, for who reads no report.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';

/** ms in which at least one test ends; the longest may take a third of that, but for tests of order that are told to send more. */
const SILENCE = 900_000 + Number(process.env.ORDER_MESSAGES ?? 0) * 100;

const root = path.dirname(import.meta.dirname);
const options = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const reporters = ['default', path.join(root, 'tools', 'jest-closing-line.mjs')].map(
  (reporter) => `--reporters=${reporter}`,
);

const jest = spawn(
  process.execPath,
  [path.join(root, 'node_modules', 'jest', 'bin', 'jest.js'), ...process.argv.slice(2), ...reporters],
  {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: [process.env.NODE_OPTIONS, ...options].filter(Boolean).join(' ') },
  },
);
const watching = process.argv.some((argument) => argument.startsWith('--watch'));
let timer;
const goesOn = () => {
  clearTimeout(timer);
  if (!watching) timer = setTimeout(giveUp, SILENCE);
};
function giveUp() {
  process.stderr.write(`\nNo test has ended for ${SILENCE / 60_000} minutes: something blocks jest, which is killed\n`);
  jest.kill('SIGKILL');
}
goesOn();
jest.on('message', goesOn);
// Ctrl-C reaches jest by itself; its end is ours.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => jest.kill('SIGTERM'));
jest.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
