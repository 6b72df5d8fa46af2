import { execFileSync } from 'node:child_process';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../../..');

export interface Packed {
  readonly filename: string;
  readonly version: string;
  readonly files: readonly { readonly path: string }[];
}

/** npm's settings of the user, and none of those that a running npm script adds for its own folder. */
function npmEnvironment(): NodeJS.ProcessEnv {
  const kept = /^npm_config_(registry|cache|userconfig|globalconfig)$/i;
  const own = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || kept.test(name));
  return { ...Object.fromEntries(own), npm_config_update_notifier: 'false' };
}

/** `npm pack` of a package of the repository, into a folder. */
export function pack(folder: string, of = '.'): Packed {
  const printed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: path.join(ROOT, of),
    env: npmEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // In a list, or (since npm 12) by the package's name.
  const [packed] = Object.values(JSON.parse(printed.slice(printed.search(/^[[{]/m)))) as [Packed];
  return packed;
}

/** What npm says when it finds no registry. */
const NO_REGISTRY =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|FETCH_ERROR|ENOTCACHED/;

/**
 * `npm install --omit=dev` of packages into a folder, from the registry that npm is configured for.
 *
 * @returns whether there is one; what else fails is thrown
 */
export function installFromRegistry(folder: string, packages: readonly string[]): boolean {
  const options = ['--omit=dev', '--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=1'];
  try {
    execFileSync('npm', ['install', ...options, ...packages], {
      cwd: folder,
      env: npmEnvironment(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return true;
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr);
    if (NO_REGISTRY.test(said)) return false;
    throw new Error(`npm install failed:\n${said}`);
  }
}
