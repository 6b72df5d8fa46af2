// Compiles the component to dist/ and the client library to packages/client/dist/, or the one of the two that is named;
// does nothing for what is up to date.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const inRoot = (name) => path.join(root, name);

const PARTS = {
  server: {
    sources: ['src', 'packages/protocol'],
    project: 'tsconfig.build.json',
    dist: 'dist',
    complete: completeServer,
  },
  client: {
    sources: ['packages/client/src', 'packages/protocol'],
    project: 'packages/client/tsconfig.json',
    dist: 'packages/client/dist',
    complete() {},
  },
};

const named = process.argv.slice(2);
for (const name of named.length > 0 ? named : Object.keys(PARTS)) {
  if (PARTS[name] === undefined) throw new Error(`There is no ${name} to build, only ${Object.keys(PARTS).join(', ')}`);
  build(PARTS[name]);
}

function build({ sources, project, dist, complete }) {
  const files = sources.flatMap(filesIn);
  const settings = ['tsconfig.json', project, 'package.json', 'package-lock.json'].map(inRoot);
  const stamp = inRoot(path.join(dist, '.built'));
  // A folder's time tells of files that are gone.
  const newest = Math.max(...[...files, ...settings, import.meta.filename].map((file) => statSync(file).mtimeMs));
  if (existsSync(stamp) && statSync(stamp).mtimeMs > newest) return;
  rmSync(inRoot(dist), { recursive: true, force: true });
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  complete(inRoot(dist), files);
  writeFileSync(stamp, '');
}

/** Adds to dist/, which mirrors the repository, what is read at run time. */
function completeServer(dist, files) {
  for (const file of files.filter((name) => name.endsWith('.lua')))
    cpSync(file, path.join(dist, path.relative(root, file)));
  const { version, type } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  writeFileSync(path.join(dist, 'package.json'), `${JSON.stringify({ version, type })}\n`);
  // The one file whose place others know: their units and scripts start it.
  writeFileSync(path.join(dist, 'main.js'), "import './src/main.js';\n");
}

function filesIn(folder) {
  const top = inRoot(folder);
  return [top, ...readdirSync(top, { recursive: true }).map((name) => path.join(top, name))];
}
