import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { BUNDLERS, ClientApplication } from '../support/process/client-application.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PACKAGE = path.join(ROOT, 'packages/client');

let application: ClientApplication;

beforeAll(async () => {
  application = await ClientApplication.install();
});
afterAll(() => application?.remove());

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
  application.write('tsconfig.json', JSON.stringify(config));
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', application.folder], { stdio: ['ignore', 'inherit', 'inherit'] });
}

test('the tarball has what is compiled, a README, a licence, and nothing else', () => {
  const { packed } = application;
  const names = packed.files.map(({ path: name }) => name);
  const compiled = /^dist\/(client\/src|protocol)\/[\w-]+\.(js|d\.ts)$/;
  expect(names.filter((name) => !compiled.test(name)).sort()).toEqual(['LICENSE', 'README.md', 'package.json']);
  expect(names).toEqual(
    expect.arrayContaining(['js', 'd.ts'].flatMap((ending) => [`dist/client/src/index.${ending}`])),
  );
  expect(readFileSync(application.path('node_modules/openfire-receipts-client/LICENSE'), 'utf8')).toBe(
    readFileSync(path.join(ROOT, 'LICENSE'), 'utf8'),
  );
  expect(packed.version).toBe(JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8')).version);
});

test('a program that has the tarball compiles strictly, and runs', () => {
  compile('consumer.ts', { module: 'nodenext', types: ['node'] });
  const output = execFileSync(process.execPath, ['consumer.js'], { cwd: application.folder, encoding: 'utf8' });
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
});

test('the repository has it under its own name, as an application does', () => {
  const names = (name: string) => `import('${name}').then((all) => console.log(Object.keys(all).join()))`;
  const run = (name: string) => execFileSync(process.execPath, ['-e', names(name)], { cwd: ROOT, encoding: 'utf8' });
  expect(run('openfire-receipts-client')).toBe('ReceiptsClient,SendError,indexedDbStore,memoryStore,receiptsClient\n');
  expect(run('openfire-receipts-client/file-store')).toBe('fileStore\n');
});

test("a page's program compiles with the browser's types alone", () => {
  compile('page.ts', {
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2024', 'dom', 'dom.iterable'],
    types: [],
  });
});

/** Texts of a bundle that has the whole library, of which each bundler leaves strings as they are. */
const PARTS = {
  protocol: 'urn:openfire-receipts:0',
  idbKeyval: 'onupgradeneeded',
  xmppClient: 'urn:ietf:params:xml:ns:xmpp-bind',
};

test.each(BUNDLERS)('a page bundled by %s has of the library what it imports, and nothing else', (bundler) => {
  application.write(
    'small.ts',
    "import { memoryStore } from 'openfire-receipts-client';\nconsole.log(memoryStore());\n",
  );
  const [small, whole] = ['small.ts', 'page.ts'].map((name) => {
    const built = application.bundle(bundler, name);
    const scripts = readdirSync(built, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
    return scripts.map((file) => readFileSync(path.join(built, file), 'utf8')).join();
  }) as [string, string];
  const has = (text: string) =>
    Object.entries(PARTS)
      .filter(([, part]) => text.includes(part))
      .map(([name]) => name);
  expect(has(whole)).toEqual(Object.keys(PARTS));
  expect(has(small)).toEqual([]);
  expect(small).toContain('JSON.stringify');
});

test('no module of it does anything by being imported, as its package.json says', () => {
  const { sideEffects } = JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8'));
  expect(sideEffects).toBe(false);
  application.write('bare.ts', "import 'openfire-receipts-client';\n");
  // Without that word for it, what stays is what may have effects: the imports of other packages.
  const options = ['--format=esm', '--ignore-annotations', '--external:@xmpp/client', '--external:idb-keyval'];
  const lines = application.esbuild('bare.ts', options).split('\n');
  expect(lines.filter((line) => !/^(import \{.*\} from "(@xmpp\/client|idb-keyval)";|\/\/ .*|)$/.test(line))).toEqual(
    [],
  );
});
