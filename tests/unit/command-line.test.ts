import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SETTINGS = { XMPP_COMPONENT_DOMAIN: 'receipts.example.org', XMPP_COMPONENT_SECRET: 'a secret' };

/** Runs a command of which nobody reads what it prints (`| true`). */
async function unread(
  command: string,
  env: Record<string, string> = SETTINGS,
): Promise<{ status: number; errors: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', command, '--env-file', '/dev/null'], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Long before it has come so far as to write.
  child.stdout.destroy();
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [status] = (await once(child, 'close')) as [number];
  return { status, errors };
}

test('a command whose reader has gone ends as it would have, and says nothing of it', async () => {
  expect(await unread('config')).toEqual({ status: 0, errors: '' });
  expect(await unread('version')).toEqual({ status: 0, errors: '' });
  expect(await unread('config', {})).toMatchObject({ status: 78 });
}, 120_000);
