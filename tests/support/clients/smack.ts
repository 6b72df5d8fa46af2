import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Relay } from '../peer/relay.ts';
import { removeFolder, temporaryFolder } from '../process/temporary.ts';
import { findProgram } from '../process/temporary-server.ts';
import { OWN_SERVER, type World } from '../stages/world.ts';
import { ReportingClient } from './reporting-client.ts';

const PROJECT = path.resolve(import.meta.dirname, '../../smack');
const LIBRARY = path.resolve(import.meta.dirname, '../../../clients/smack');
export const run = promisify(execFile);

/** ms for Maven to fetch some 25 MB, the first time on a machine. */
const TO_FETCH = 300_000;
/** A small program that runs for seconds, beside others of its kind: the compiler's second level would come too late. */
export const LIGHT = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];

/** A program and what it needs, ready to run. */
export interface Smack {
  readonly classpath: string;
  close(): Promise<void>;
}

/**
 * Compiles the program under tests/smack.
 *
 * @returns or why it cannot be had on this machine
 * @throws {Error} when it does not compile, which is no reason to go without it
 */
export function buildSmack(): Promise<Smack | string> {
  return build(PROJECT, (folder, packages) => compile(PROJECT, ['src/main/java'], ['-d', folder, '-cp', packages]));
}

/** Compiles the library for Smack, as strictly as it is published, its tests and its example. Otherwise as {@link buildSmack}. */
export function buildSmackLibrary(): Promise<Smack | string> {
  return build(LIBRARY, async (folder, packages) => {
    const strict = ['--release', '8', '-Xlint:all,-options,-processing', '-Xdoclint:all,-missing', '-Werror'];
    await compile(LIBRARY, ['src/main/java'], [...strict, '-d', folder, '-cp', packages]);
    const classpath = [folder, packages].join(path.delimiter);
    await compile(LIBRARY, ['src/test/java', 'examples'], ['--release', '11', '-d', folder, '-cp', classpath]);
  });
}

async function build(project: string, make: (folder: string, packages: string) => Promise<void>) {
  const missing = ['java', 'javac', 'mvn'].filter((program) => findProgram(program) === undefined);
  if (missing.length > 0) return `there is no ${missing.join(', no ')} here (apt: default-jdk-headless, maven)`;
  const folder = await temporaryFolder('smack');
  const close = () => removeFolder(folder);
  try {
    const packages = await fetchPackages(project, path.join(folder, 'classpath'));
    if (packages === undefined) {
      await close();
      const place = path.relative(path.resolve(LIBRARY, '../..'), project);
      return `Maven could not get its packages; "mvn dependency:build-classpath" in ${place} says why`;
    }
    await make(folder, packages);
    return { classpath: [folder, packages].join(path.delimiter), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function compile(project: string, folders: readonly string[], options: readonly string[]): Promise<void> {
  const sources: string[] = [];
  for (const folder of folders) {
    for (const name of await readdir(path.join(project, folder), { recursive: true }))
      if (name.endsWith('.java')) sources.push(path.join(folder, name));
  }
  await run('javac', [...options, ...sources], { cwd: project });
}

/** Resolves with the class path, or with nothing. A registry is asked only for what Maven has not kept. */
async function fetchPackages(project: string, file: string): Promise<string | undefined> {
  for (const options of [['--offline'], []]) {
    const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${file}`];
    const arguments_ = ['--quiet', '--batch-mode', ...options, ...goal];
    const done = await run('mvn', arguments_, { cwd: project, timeout: TO_FETCH }).catch(() => undefined);
    if (done !== undefined) return readFile(file, 'utf8');
  }
  return undefined;
}

export interface SmackOptions {
  readonly resource?: string;
  /** Whom to give receipts by itself; `ifIsSubscribed` is Smack's default. */
  readonly receipts?: 'always' | 'ifIsSubscribed' | 'disabled';
  /** A way to the server that can be cut. */
  readonly relay?: Relay;
}

/** A user whose client is Smack, with stream management and automatic receipts. */
export class SmackUser extends ReportingClient {
  /** Resolves when the server has its presence. */
  static async login(smack: Smack, world: World, name: string, options: SmackOptions = {}): Promise<SmackUser> {
    const { host, c2sPort, domain, passwords } = world.xmpp;
    const { resource = world.newResource(), receipts = 'always', relay } = options;
    const user = new SmackUser('Smack', 'java', [...LIGHT, '-cp', smack.classpath, 'chat.Chat']);
    // A foreign server's certificate is often its own; ours has none.
    const way = relay === undefined ? { host, port: c2sPort } : { host: '127.0.0.1', port: relay.port };
    const login = { ...way, domain, user: name, password: passwords.get(name) ?? '', resource, receipts };
    await user.enter({ ...login, trusts: !OWN_SERVER }, 30_000);
    return user;
  }
}
