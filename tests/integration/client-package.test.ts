import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Packed, pack } from '../support/process/npm-package.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PACKAGE = path.join(ROOT, 'packages/client');

interface Manifest {
  readonly version: string;
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
}

/** An application's folder, outside of the repository. */
let folder: string;
let packed: Packed;
const inFolder = (...names: string[]) => path.join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'openfire-receipts-consumer-'));
  packed = pack(folder, 'packages/client');
  install();
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/**
 * Does as `npm install` with the tarball, but for what it depends on: that is taken from here, since a test needs no
 * registry. What the package does not name is not there.
 */
function install(): void {
  const to = inFolder('node_modules/openfire-receipts-client');
  mkdirSync(to, { recursive: true });
  execFileSync('tar', ['-xzf', inFolder(packed.filename), '-C', to, '--strip-components=1']);
  const { dependencies, peerDependencies } = manifest(path.join(to, 'package.json'));
  const others = ['@types/node'];
  for (const name of [...Object.keys({ ...dependencies, ...peerDependencies }), ...others]) {
    mkdirSync(path.dirname(inFolder('node_modules', name)), { recursive: true });
    symlinkSync(path.join(ROOT, 'node_modules', name), inFolder('node_modules', name));
  }
  writeFileSync(inFolder('package.json'), '{ "type": "module" }\n');
}

function manifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}

/** Compiles the consumer, strictly, and with the package's own types looked through as well. */
function compile(name: string, options: object): void {
  const config = {
    compilerOptions: {
      target: 'es2023',
      strict: true,
      skipLibCheck: false,
      ...options,
    },
    files: [name, 'xmpp-client.d.ts'],
  };
  writeFileSync(inFolder('tsconfig.json'), JSON.stringify(config));
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', folder], { stdio: ['ignore', 'inherit', 'inherit'] });
}

test('the tarball has what is compiled, a README, a licence, and nothing else', () => {
  const names = packed.files.map(({ path: name }) => name);
  const compiled = /^dist\/(client\/src|protocol)\/[\w-]+\.(js|d\.ts)$/;
  expect(names.filter((name) => !compiled.test(name)).sort()).toEqual(['LICENSE', 'README.md', 'package.json']);
  expect(names).toEqual(
    expect.arrayContaining(['js', 'd.ts'].flatMap((ending) => [`dist/client/src/index.${ending}`])),
  );
  expect(readFileSync(inFolder('node_modules/openfire-receipts-client/LICENSE'), 'utf8')).toBe(
    readFileSync(path.join(ROOT, 'LICENSE'), 'utf8'),
  );
  expect(packed.version).toBe(manifest(path.join(PACKAGE, 'package.json')).version);
});

test('a program that has the tarball compiles strictly, and runs', () => {
  cpSync(path.join(ROOT, 'tests/fixtures/client-consumer'), folder, { recursive: true });
  compile('consumer.ts', { module: 'nodenext', types: ['node'] });
  const output = execFileSync(process.execPath, ['consumer.js'], { cwd: folder, encoding: 'utf8' });
  const conversation = {
    states: ['queued', 'sent', 'stored', 'delivered'],
    storedBy: 'proxy',
    heard: 'I am',
    receiptsFor: ['of-bob@receipts.example.org/phone'],
    refused: 'bad-request',
  };
  expect(
    output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([conversation, conversation]);
}, 120_000);

test('the repository has it under its own name, as an application does', () => {
  const names = (name: string) => `import('${name}').then((all) => console.log(Object.keys(all).join()))`;
  const run = (name: string) => execFileSync(process.execPath, ['-e', names(name)], { cwd: ROOT, encoding: 'utf8' });
  expect(run('openfire-receipts-client')).toBe('ReceiptsClient,SendError,indexedDbStore,memoryStore,receiptsClient\n');
  expect(run('openfire-receipts-client/file-store')).toBe('fileStore\n');
});

test("a page's program compiles with the browser's types alone", () => {
  writeFileSync(
    inFolder('page.ts'),
    [
      "import { xml } from '@xmpp/client';",
      "import { indexedDbStore, receiptsClient, type Tracked, type XmppClient } from 'openfire-receipts-client';",
      'export const start = (xmpp: XmppClient, show: (message: Tracked) => void) => {',
      "  const receipts = receiptsClient(xmpp, { store: indexedDbStore('alice') });",
      "  receipts.addEventListener('state', ({ detail }) => show(detail));",
      "  void receipts.send(xml('message', { to: 'bob@receipts.example.org' }, xml('body', {}, 'hello')));",
      '  return receipts;',
      '};',
    ].join('\n'),
  );
  compile('page.ts', {
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2024', 'dom', 'dom.iterable'],
    types: [],
  });
}, 120_000);
