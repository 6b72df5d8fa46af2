// Compiles the component to dist/ and the client library to packages/client/dist/, or the one of the two that is named;
// does nothing for what is up to date. With --is-built it only says (0 or 1) whether that, and what it needs to run, is there.
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

const asks = process.argv.includes('--is-built');
const named = process.argv.slice(2).filter((name) => name !== '--is-built');
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
  const isBuilt = existsSync(stamp) && statSync(stamp).mtimeMs > newest;
  if (asks) process.exitCode ||= isBuilt && hasPackages() ? 0 : 1;
  if (asks || isBuilt) return;
  rmSync(inRoot(dist), { recursive: true, force: true });
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  complete(inRoot(dist), files);
  writeFileSync(stamp, '');
}

/** Whether npm has installed what the lock file has, with or without what is for development alone. */
function hasPackages() {
  const installed = inRoot(path.join('node_modules', '.package-lock.json'));
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(inRoot('package-lock.json')).mtimeMs;
}

/** Adds to dist/, which mirrors the repository, what is read at run time: all that is not compiled. */
function completeServer(dist, files) {
  for (const file of files.filter((name) => !/\.(ts|md)$|package\.json$/.test(name) && statSync(name).isFile()))
    cpSync(file, path.join(dist, path.relative(root, file)));
  const { version, type, peerDependencies } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  writeFileSync(path.join(dist, 'package.json'), `${JSON.stringify({ version, type, peerDependencies })}\n`);
  // The files whose place others know: units, images and scripts start them.
  writeFileSync(path.join(dist, 'main.js'), "import './src/main.js';\n");
  // The young generation has room: docs/performance.md. A command has no other way to say so to Node.
  const shebang = '#!/usr/bin/env -S node --max-semi-space-size=128\n';
  writeFileSync(path.join(dist, 'cli.js'), `${shebang}import './src/cli.js';\n`, { mode: 0o755 });
}

function filesIn(folder) {
  const top = inRoot(folder);
  return [top, ...readdirSync(top, { recursive: true }).map((name) => path.join(top, name))];
}
