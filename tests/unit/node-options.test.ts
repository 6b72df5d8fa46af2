// A Node that does not know one of its options does not start at all ("bad option", status 9), and which options of V8 there
// are changes from one Node to the next: who changes a command sees it work with his own alone.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** With which Node 20.12, 22, 24 and 25 all start: each was tried with each. */
const KNOWN = ['--disable-warning', '--experimental-vm-modules', '--import', '--max-semi-space-size', '-e'];
const WITH_A_VALUE_BEHIND = ['--import', '-e'];

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** Where a command that starts Node is written down. */
const PLACES: Record<string, string> = {
  ...Object.fromEntries(Object.entries(scripts).map(([name, script]) => [`package.json, ${name}`, script])),
  'tools/build.mjs, the first line of dist/cli.js': read('tools/build.mjs'),
  ...Object.fromEntries(
    [
      'Dockerfile',
      'docker-compose.yml',
      'deploy/systemd/openfire-receipts.service',
      'deploy/kubernetes/deployment.yaml',
      'deploy/kubernetes/settings.yaml',
      '.ci/run',
      'README.md',
      'docs/operations.md',
    ].map((path) => [path, read(path)]),
  ),
};

/** The options of Node in all its calls in a text: of a shell, of a unit, in exec form or in the environment. */
function optionsIn(text: string): string[] {
  const calls = text.matchAll(/(?:\bnode["']?,?|\bNODE_OPTIONS["']?[=:,]?)\s+["']?(?=-)(.*)|\bNODE_OPTIONS=["']?(.*)/g);
  return [...calls].flatMap(([, called, inEnvironment]) => {
    const words = (called ?? inEnvironment ?? '').split(/["']?,?\s+["']?|["'`\\]/);
    const options: string[] = [];
    for (let i = 0; words[i]?.startsWith('-'); i++) {
      const word = words[i] as string;
      options.push(word);
      if (WITH_A_VALUE_BEHIND.includes(word)) i++;
    }
    return options;
  });
}

const nameOf = (option: string) => option.replace(/=.*/s, '').replaceAll('_', '-');

test('options are found in each form in which a command is written', () => {
  const found = ['--new-thing=3', '--other'];
  for (const text of [
    'exec node --new-thing=3 --other dist/main.js --no-option-of-node',
    "  const shebang = '#!/usr/bin/env -S node --new-thing=3 --other\\n';",
    'CMD ["node", "--new-thing=3", "--other", "dist/main.js"]',
    'ExecStart=/usr/bin/node --new-thing=3 --other /usr/lib/cli.js start --env-file %d/settings',
    'ENV NODE_OPTIONS="--new-thing=3 --other"',
    'NODE_OPTIONS: --new-thing=3 --other',
  ])
    expect(optionsIn(text)).toEqual(found);
  expect(optionsIn('node --import tsx --other a.ts && node tools/b.mjs --no-option-of-node')).toEqual([
    '--import',
    '--other',
  ]);
});

test('every command starts with each Node that we support', () => {
  const unknown = Object.entries(PLACES).flatMap(([place, text]) =>
    optionsIn(text)
      .filter((option) => !KNOWN.includes(nameOf(option)))
      .map(
        (option) =>
          `${place}: a Node that does not know ${option} will not start. Try it with all that we support, ` +
          `for v in 20.12 22 24 25; do npx --yes node@$v ${option} -e 0; done, and add it to KNOWN if each is silent`,
      ),
  );
  expect(unknown).toEqual([]);
});

test('this Node knows the options of every command', () => {
  const options = [...new Set(Object.values(PLACES).flatMap(optionsIn))].filter(
    (option) => !WITH_A_VALUE_BEHIND.includes(option),
  );
  expect(options).toContain('--max-semi-space-size=128');
  const { status, stderr } = spawnSync(process.execPath, [...options, '-e', '0'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
