// Runs jest on our ES modules: its arguments are jest's. The last line counts the tests, for who reads no report.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const options = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const reporters = ['default', path.join(root, 'tools', 'jest-closing-line.mjs')].map(
  (reporter) => `--reporters=${reporter}`,
);

const jest = spawn(
  process.execPath,
  [path.join(root, 'node_modules', 'jest', 'bin', 'jest.js'), ...process.argv.slice(2), ...reporters],
  {
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: [process.env.NODE_OPTIONS, ...options].filter(Boolean).join(' ') },
  },
);
// Ctrl-C reaches jest by itself; its end is ours.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => jest.kill('SIGTERM'));
jest.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
