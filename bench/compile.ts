import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
// Beside the packages, which they import, and each run's its own, since several may run.
const built = path.join(root, 'node_modules', '.cache', `openfire-receipts-bench-${process.pid}`);

/**
 * Compiles what is measured as it is compiled to be run: a loader that compiles on the fly keeps the names of functions
 * by redefining them, which costs more than some of them do. Gives the folder of the variants.
 */
export function compile(): string {
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const project = path.join(root, 'bench', 'tsconfig.json');
  const { status } = spawnSync(process.execPath, [tsc, '-p', project, '--outDir', built], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('The variants do not compile');
  const src = path.join(root, 'src');
  for (const name of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
    if (/[.](lua|css|js)$/.test(name)) cpSync(path.join(src, name), path.join(built, 'src', name));
  }
  writeFileSync(path.join(built, 'package.json'), '{ "type": "module" }\n');
  return path.join(built, 'bench', 'variants');
}

/** Removes what was compiled. */
export function removeCompiled(): void {
  rmSync(built, { recursive: true, force: true });
}

/** The flags that `npm start` gives to Node: the variants run under the same. */
export function startFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  return scripts.start.split(/\s+/).filter((word) => word.startsWith('--'));
}
