import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
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
});

test('the password of a Unix socket is not shown either', () => {
  const args = ['--import', 'tsx', 'src/cli.ts', 'config', '--env-file', '/dev/null'];
  const env = { PATH: process.env.PATH, ...SETTINGS, REDIS_URL: 'unix://me:hush@/run/redis.sock?db=1' };
  const { stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', env });
  expect(stdout).toMatch(/^REDIS_URL=unix:\/\/…@\/run\/redis\.sock\?db=1 +# environment$/m);
});

describe('what is run in a clone', () => {
  const asked = (file: string, ...flags: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', file, ...flags], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  /** By the name of the script: what it runs last. */
  const programs = Object.entries(scripts).flatMap(([name, script]) => {
    const file = /--import tsx (\S+\.ts)(?: --[\w-]+)?$/.exec(script)?.[1];
    return file === undefined || name === 'check' ? [] : [[name, file] as const];
  });

  test('each reads its flags in the same way', () => {
    expect(programs.length).toBeGreaterThan(8);
    const others = programs.filter(([name, file]) => {
      const text = readFileSync(path.join(ROOT, file), 'utf8');
      const own = name === 'plugin:check-api' ? 'plugin' : name;
      return (
        /process\.argv\.(?!.*import\.meta)|parseArgs/.test(text) || !text.includes(`readFlags('npm run ${own} --'`)
      );
    });
    expect(others).toEqual([]);
  });

  // It would begin its work if it did not heed this.
  test('one says by --help what it takes', () => {
    expect(asked('demo/demo.ts', '--help')).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^npm run demo -- \[options\]: .*\n\n[\s\S]* {2}--help +shows this\n$/),
      stderr: '',
    });
  });

  test('an unknown flag ends it with 64 and the usage', () => {
    expect(asked('demo/demo.ts', '--nonsense')).toEqual({
      status: 64,
      stdout: '',
      stderr: expect.stringMatching(/--nonsense[\s\S]*\n\nnpm run demo -- \[options\]/),
    });
  });

  test('openfire-receipts itself the same', () => {
    expect(asked('src/cli.ts', '--help')).toMatchObject({ status: 0, stderr: '' });
    const help = asked('src/cli.ts', 'help');
    expect(asked('src/cli.ts', 'try', '--help')).toEqual(help);
    expect(asked('src/cli.ts', 'help', 'try')).toEqual(help);
    expect(asked('src/cli.ts', '--nonsense')).toMatchObject({ status: 64, stdout: '' });
    expect(asked('src/cli.ts', 'try')).toMatchObject({ status: 64, stdout: '' });
  });
});
