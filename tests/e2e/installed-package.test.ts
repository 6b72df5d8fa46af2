import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { installFromRegistry, type Packed, pack } from '../support/process/npm-package.ts';
import { freePort } from '../support/process/ports.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { findProgram } from '../support/process/temporary-server.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { World } from '../support/stages/world.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** What an operator gets: the tarball, in an empty folder, with what it depends on and no more. */
let folder: string;
let packed: Packed;
let installed: boolean;
const command = () => path.join(folder, 'node_modules/.bin/openfire-receipts');

beforeAll(async () => {
  folder = await temporaryFolder('installed');
  packed = pack(folder);
  installed = installFromRegistry(folder, [`./${packed.filename}`]);
  if (!installed) console.info('No registry can be reached: what is installed from the tarball is not tried');
  // For another user to read.
  chmodSync(folder, 0o755);
});
afterAll(() => removeFolder(folder));

/** Root need not run it, so the test's root does not: as nobody, who may write nothing there. */
function asNobody(program: string, ...args: string[]): [string, ...string[]] {
  const setpriv = findProgram('setpriv');
  if (process.getuid?.() !== 0 || setpriv === undefined) return [program, ...args];
  return [setpriv, '--reuid=65534', '--regid=65534', '--clear-groups', program, ...args];
}

test('the tarball has what is compiled and read at run time, the documents, what goes into servers, and nothing else', () => {
  const names = packed.files.map(({ path: name }) => name);
  const expected = [
    /^dist\/(src\/.+\.(js|lua|css|json|svg)|packages\/protocol\/\w+\.js|(cli|main)\.js|package\.json)$/,
    /^docs\/[\w-]+\.md$/,
    /^prosody\/(README\.md|mod_receipts_gate\/\w+(\.lib)?\.lua)$/,
    /^deploy\/(systemd\/openfire-receipts\.service|kubernetes\/[\w-]+\.(yaml|md))$/,
    /^openfire\/(README\.md|plugin\/dist\/receiptsgate\.jar)$/,
    /^(\.env\.example|CHANGELOG\.md|LICENSE|README(\.zh-CN)?\.md|SECURITY\.md|package\.json)$/,
  ];
  expect(names.filter((name) => !expected.some((pattern) => pattern.test(name)))).toEqual([]);
  // Each file that the component is made of has its counterpart.
  const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const compiled = sources.filter((name) => /(?<!\.d)\.(ts|lua)$/.test(name));
  expect(names).toEqual(expect.arrayContaining(compiled.map((name) => `dist/src/${name.replace(/\.ts$/, '.js')}`)));
  expect(names).toEqual(
    expect.arrayContaining(['prosody/mod_receipts_gate/mod_receipts_gate.lua', 'docs/operations.md']),
  );
});

test('installed, it says its version and its settings', () => {
  if (!installed) return;
  const run = (args: string[], env: Record<string, string> = {}) =>
    spawnSync(command(), args, { cwd: folder, env: { PATH: process.env.PATH, ...env }, encoding: 'utf8' });
  expect(run(['version'])).toMatchObject({ status: 0, stdout: `${packed.version}\n` });
  const faulty = run(['config']);
  expect(faulty.status).toBe(78);
  expect(faulty.stderr).toContain('XMPP_COMPONENT_DOMAIN: got nothing');
  expect(run(['start']).status).toBe(78);
  expect(run(['check']).status).toBe(78);
  expect(run(['begin']).status).toBe(64);
  const shown = run(['config'], {
    XMPP_COMPONENT_DOMAIN: 'receipts.example.org',
    XMPP_COMPONENT_SECRET: 'hush-hush',
    REDIS_URL: 'redis://me:hush-hush@127.0.0.1:6400/2',
  });
  expect(shown.stdout).toMatch(/^XMPP_COMPONENT_DOMAIN=receipts\.example\.org +# environment$/m);
  expect(shown.stdout).toMatch(/^REDIS_URL=redis:\/\/…@127\.0\.0\.1:6400\/2 +# environment$/m);
  expect(shown.stdout).toMatch(/^MESSAGE_TTL=7d +# default$/m);
  expect(shown.stdout).not.toContain('hush');
});

test('it needs nothing of what is for development', () => {
  if (!installed) return;
  const { devDependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const there = (name: string) => existsSync(path.join(folder, 'node_modules', name));
  expect(Object.keys(devDependencies).filter(there)).toEqual([]);
});

test('it finds nothing amiss, runs as another user, delivers a message, and stops', async () => {
  if (!installed) return;
  const world = await World.open({ redis: { settings: { appendfsync: 'always', maxmemory: '500mb' } } });
  const settings = { DASHBOARD_PASSWORD: 'jk3Vd8sQ2mZx', HTTP_PORT: `${await freePort()}` };
  const checked = spawnSync(command(), ['check'], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...world.environment(settings) },
    encoding: 'utf8',
  });
  expect(checked.stdout).toMatch(/^Redis\n {2}✓ Redis \d/m);
  expect({ status: checked.status, stderr: checked.stderr }).toEqual({ status: 0, stderr: '' });
  const proxy = new ProxyProcess(world.environment({ LOG_LEVEL: 'info' }), asNobody(command(), 'start'));
  try {
    await proxy.prints('The link is up');
    const alice = await world.user('alice');
    const bob = await world.user('bob');
    const id = await alice.say(world.proxied('bob'), 'From a tarball');
    await bob.hears('From a tarball');
    await alice.delivered(id);
    expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
  } finally {
    await proxy.signal('SIGKILL');
    await world.close();
  }
});
