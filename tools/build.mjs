// Compiles src/ to dist/, with the scripts that are read at run time; does nothing if dist/ is up to date.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const [src, dist] = ['src', 'dist'].map((name) => path.join(root, name));
const stamp = path.join(dist, '.built');

const files = readdirSync(src, { recursive: true }).map((name) => path.join(src, name));
const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => path.join(root, name));
// A folder's time tells of files that are gone.
const newest = Math.max(...[src, ...files, ...settings].map((file) => statSync(file).mtimeMs));

if (!existsSync(stamp) || statSync(stamp).mtimeMs <= newest) build();

function build() {
  rmSync(dist, { recursive: true, force: true });
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  for (const file of files.filter((name) => name.endsWith('.lua')))
    cpSync(file, path.join(dist, path.relative(src, file)));
  writeFileSync(stamp, '');
}
