// Installs what the other commands need and is not there: npm packages and, without --packages, redis-server and
// prosody, or with --redis only the first; with --tests also what some tests want and skip themselves without. It runs
// before there are any packages, so it uses none.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const PROGRAMS = { 'redis-server': 'redis-server', prosody: 'prosody' };
// Of what is no program: where it is when it is there.
const FOR_TESTS = {
  'python3-slixmpp': '/usr/lib/python3/dist-packages/slixmpp',
  chromium: '/usr/bin/chromium',
  faketime: '/usr/bin/faketime',
};
const root = path.dirname(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname));

checkNode();
installPackages();
if (!process.argv.includes('--packages'))
  installPrograms(process.argv.includes('--redis') ? ['redis-server'] : Object.keys(PROGRAMS));
if (process.argv.includes('--tests')) installForTests();

function checkNode() {
  const { engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const wanted = /\d+(\.\d+)*/.exec(engines.node)[0].split('.').map(Number);
  const found = process.versions.node.split('.').map(Number);
  const differing = wanted.findIndex((number, i) => number !== found[i]);
  if (differing >= 0 && found[differing] < wanted[differing]) {
    fail(`Node ${wanted.join('.')} or newer is needed, and this is ${process.versions.node}.`);
  }
}

function installPackages() {
  const lock = path.join(root, 'package-lock.json');
  const stamp = path.join(root, 'node_modules', '.lock-hash');
  const digest = () => createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stamp) ? readFileSync(stamp, 'utf8') === digest() : isInstalledByHand(lock)) return;
  progress('Installing npm packages');
  // Not "npm ci": it wants the lock to have the optional binaries of every platform. And the lock stays as it is.
  const options = ['install', '--no-audit', '--no-fund', '--no-save', '--include=dev'];
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('.js')) run(process.execPath, [npm, ...options]);
  else run('npm', options);
  writeFileSync(stamp, digest());
}

/** npm's own list of what is installed is not older than the lock. */
function isInstalledByHand(lock) {
  const installed = path.join(root, 'node_modules', '.package-lock.json');
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
}

function installPrograms(wanted) {
  const missing = wanted.filter((name) => !isOnPath(name));
  if (missing.length === 0) return;
  const packages = missing.map((name) => PROGRAMS[name]);
  const become = rootPrefix();
  if (become === undefined)
    fail(`Please install ${packages.join(' and ')}, for example: apt install ${packages.join(' ')}`);
  installWithApt(become, packages, 'fail');
  const still = missing.filter((name) => !isOnPath(name));
  if (still.length > 0) fail(`${still.join(' and ')} did not come with the packages ${packages.join(' and ')}.`);
  if (existsSync('/run/systemd/system')) {
    progress(`They may run as services now, which nothing here needs: systemctl disable --now ${packages.join(' ')}`);
  }
}

function installForTests() {
  const missing = Object.keys(FOR_TESTS).filter((name) => !existsSync(FOR_TESTS[name]));
  const become = rootPrefix();
  if (missing.length > 0 && become !== undefined) installWithApt(become, missing, 'warn');
}

function installWithApt(become, packages, onFailure) {
  progress(`Installing ${packages.join(' and ')} with apt-get, as root, since a command here starts servers`);
  // sudo clears the environment, hence env.
  const apt = [...become, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=120'];
  run(...command([...apt, 'update']), 'warn');
  run(...command([...apt, 'install', '-y', '--no-install-recommends', ...packages]), onFailure);
}

/** What to put before apt-get, which root must run; undefined if it is not there or we may not. */
function rootPrefix() {
  if (!isOnPath('apt-get')) return undefined;
  if (process.getuid?.() === 0) return [];
  if (isOnPath('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0) return ['sudo', '-n'];
  return undefined;
}

function isOnPath(name) {
  const places = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/local/bin', '/usr/sbin', '/usr/local/sbin'];
  return places.some((place) => {
    try {
      accessSync(path.join(place, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function command([name, ...args]) {
  return [name, args];
}

/** Shows what it printed only if it failed; which may end us, or (an old list of packages) not matter. */
function run(name, args, onFailure = 'fail') {
  const { status, error, stdout, stderr } = spawnSync(name, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1e8,
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  const what = `${[name, ...args].join(' ')} failed${error ? `: ${error.message}` : ''}`;
  if (onFailure === 'fail') fail(what);
  progress(what);
}

function progress(text) {
  process.stderr.write(`${text}\n`);
}

function fail(text) {
  progress(text);
  process.exit(1);
}
