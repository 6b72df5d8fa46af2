// Builds the Openfire plugin, and runs the tests of its core: `npm run plugin`. With `--check-api` it compares what the plugin is
// compiled against with the Openfire that OPENFIRE_HOME names.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readFlags } from './flags.ts';

const JUNIT = { group: 'org.junit.platform', name: 'junit-platform-console-standalone', version: '1.10.2' };
const PLUGIN = path.resolve(import.meta.dirname, '../openfire/plugin');

/** What a step came to; `missing` when this machine lacks something for it. */
export interface Result {
  readonly ok: boolean;
  readonly missing?: boolean;
  readonly output: string;
}

const lacks = (output: string): Result => ({ ok: false, missing: true, output });

function run(program: string, ...args: string[]): Result {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: PLUGIN, encoding: 'utf8', maxBuffer: 1e8 });
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim() };
}

const javaIsMissing = () =>
  run('javac', '-version').ok ? undefined : lacks('There is no JDK here (apt: default-jdk-headless)');

/** Writes openfire/plugin/dist/receiptsgate.jar. */
export function buildPlugin(): Result {
  return javaIsMissing() ?? run('sh', 'build.sh');
}

/** Compiles the core, which needs no Openfire, and runs its tests. */
export function testCore(): Result {
  return javaIsMissing() ?? inFolder(testCoreIn);
}

/** Compares our stubs with the classes in a folder of jars; several are separated as in a PATH. */
export function checkApi(home: string): Result {
  return javaIsMissing() ?? inFolder((folder) => checkApiIn(folder, home));
}

function inFolder(act: (folder: string) => Result): Result {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'openfire-receipts-plugin-'));
  try {
    return act(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function testCoreIn(folder: string): Result {
  const junit = findJunit();
  if (junit === undefined)
    return lacks(`JUnit is not in Maven's folder, and Maven could not get it (${Object.values(JUNIT).join(':')})`);
  const sources = [...javaFiles('src/main/java/receipts/gate/core'), ...javaFiles('src/test/java')];
  const compiled = run('javac', '--release', '8', '-Xlint:-options', '-cp', junit, '-d', folder, ...sources);
  if (!compiled.ok) return compiled;
  const light = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const options = ['execute', '-cp', folder, '--scan-classpath', folder, '--disable-banner', '--disable-ansi-colors'];
  return run('java', ...light, '-jar', junit, ...options, '--details=tree');
}

/** A registry is asked only for what Maven has not kept. */
function findJunit(): string | undefined {
  const { group, name, version } = JUNIT;
  const kept = path.join(os.homedir(), '.m2/repository', ...group.split('.'), name, version, `${name}-${version}.jar`);
  if (!existsSync(kept)) {
    run('mvn', '-q', '-B', 'dependency:get', '-Dtransitive=false', `-Dartifact=${Object.values(JUNIT).join(':')}`);
  }
  return existsSync(kept) ? kept : undefined;
}

function checkApiIn(folder: string, home: string): Result {
  const compiled = run('javac', '--release', '8', '-Xlint:-options', '-d', folder, ...javaFiles('api-stubs'));
  if (!compiled.ok) return compiled;
  const places = home.split(path.delimiter).flatMap((place) => [place, path.join(place, 'lib')]);
  return run('java', 'tools/ApiCheck.java', folder, ...places);
}

function javaFiles(folder: string): string[] {
  const all = readdirSync(path.join(PLUGIN, folder), { recursive: true, encoding: 'utf8' });
  return all.filter((name) => name.endsWith('.java')).map((name) => path.join(folder, name));
}

function show(result: Result): void {
  console.log(result.output);
  if (!result.ok) process.exit(1);
}

if (process.argv[1] === import.meta.filename) {
  const flags = readFlags('npm run plugin --', 'builds the Openfire plugin, and runs the tests of its core', {
    'check-api': {
      type: 'boolean',
      about: 'compares what it is compiled against with the Openfire that OPENFIRE_HOME names',
    },
  });
  if (flags['check-api']) {
    const home = process.env.OPENFIRE_HOME;
    show(home === undefined ? lacks('OPENFIRE_HOME names no Openfire to compare with') : checkApi(home));
  } else {
    show(buildPlugin());
    show(testCore());
  }
}
