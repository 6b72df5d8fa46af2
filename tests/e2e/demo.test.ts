import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { opened } from '../support/process/opened.ts';
import { portsOfProgram } from '../support/process/ports.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { until } from '../support/time/until.ts';

const DEMO = path.resolve(import.meta.dirname, '../../demo/demo.ts');

const homes: string[] = [];
/** So many are started in this file, several at a time. */
const DEMOS = 8;

/** It takes half a minute, most of which is waiting: the others are tried meanwhile. */
let stories: Demo[];

beforeAll(async () => {
  stories = [await startDemo('--once'), await startDemo('--once', '--subdomain')];
});
afterAll(() => Promise.all(homes.map(removeFolder)));

const STORY = [
  /proxy +Dashboard, to watch along: http:\/\/127\.0\.0\.1:\d+\/queues/,
  /alice --> XMPP server --> bob\n +holds it \| \^ until it is stored/,
  /alice +Acknowledged: the proxy has stored it in Redis/,
  /bob +Gets “Lunch at one\?”/,
  /alice +Delivered: bob's client has confirmed it/,
  /proxy +His old session ended without it: it sends the message again/,
  /bob +Gets “Make it half past one, please\.”/,
  /alice +Acknowledged, again/,
  /bob +Has seen it once/,
  /alice +Is told it failed: “No confirmation within 10 seconds”/,
  /proxy +Keeps it for an operator, in the queue “undelivered”/,
  /proxy +Is killed/,
  /bob +Gets “Hello\? Where are you\?”: without the proxy, messages/,
  /bob +Gets “I am by the window\.”/,
  /accepted +7 .*\n +delivered +6 .*\n +redelivered +\d+ .*\n +duplicates +1 .*\n +expired +1 .*\n +unheld +2 .*\n +lost +0 /,
  /The dashboard was at http:\/\/127\.0\.0\.1:\d+\/queues\n$/,
];
const SUBDOMAIN_STORY = [
  /proxy +Dashboard, to watch along: http:\/\/127\.0\.0\.1:\d+\/queues/,
  /alice --> XMPP server --> openfire-receipts --> XMPP server --> bob/,
  /alice +Acknowledged: the proxy has stored it in Redis/,
  /bob +Gets “Lunch at one\?”/,
  /alice +Delivered: bob's client has confirmed it/,
  /bob +Is back online, and there is nothing for him/,
  /proxy +No receipt for 3 seconds: it sends the message again/,
  /bob +Gets “Make it half past one, please\.”/,
  /alice +Acknowledged, again/,
  /bob +Has seen it once/,
  /alice +Is told it failed: “No confirmation within 10 seconds”/,
  /proxy +Keeps it for an operator, in the queue “undelivered”/,
  /proxy +Is killed/,
  /bob +Gets “I am by the window\.”/,
  /accepted +7 .*\n +delivered +6 .*\n +redelivered +\d+ .*\n +duplicates +1 .*\n +expired +1 .*\n +lost +0 /,
  /The dashboard was at http:\/\/127\.0\.0\.1:\d+\/queues\n$/,
];

type Demo = Awaited<ReturnType<typeof startDemo>>;

/** Starts the demo as `npm run demo` does after the set-up; all that it starts inherits its HOME, which no other has. */
async function startDemo(...args: string[]) {
  const home = await temporaryFolder('demo');
  const ports = portsOfProgram(homes.length, DEMOS);
  homes.push(home);
  const child = spawn(process.execPath, ['--import', 'tsx', DEMO, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: home, TMPDIR: home, TEST_PORTS: ports },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.once(
    'close',
    opened('a demo', () => child.kill('SIGKILL')),
  );
  const demo = { output: '', home, child, exited: once(child, 'close') as Promise<[number | null, string | null]> };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      demo.output += text;
    });
  }
  return demo;
}

/** The command lines of a demo's processes: those that have its HOME, or (Redis writes over it) work below it. */
async function leftOver(home: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = ids.map(async (id) => {
    // A process may end while one looks.
    const environment = await readFile(`/proc/${id}/environ`, 'utf8').catch(() => '');
    const folder = await readlink(`/proc/${id}/cwd`).catch(() => '');
    const ours = environment.split('\0').includes(`HOME=${home}`) || folder.startsWith(home);
    return ours ? readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '') : '';
  });
  return (await Promise.all(found)).filter((command) => command !== '');
}

/** What the demo has started is gone; a watchman may take a moment. */
async function nothingIsLeft(home: string): Promise<void> {
  // tsx keeps its cache there.
  const files = async () => (await readdir(home)).filter((name) => !name.startsWith('tsx-'));
  const left = async () => [...(await leftOver(home)), ...(await files())];
  await until(async () => (await left()).length === 0, { what: 'the demo to be gone' }).catch(() => {});
  expect(await left()).toEqual([]);
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGKILL', null],
] as const)('%s in the middle of it: nothing is left behind', async (signal, code) => {
  const demo = await startDemo('--once');
  await until(() => demo.output.includes('Lunch at one?'), { within: 60_000, what: 'the story to begin' });
  expect((await leftOver(demo.home)).join()).toMatch(/(?=.*redis-server)(?=.*prosody)(?=.*main\.[jt]s)/);
  demo.child.kill(signal);
  expect((await demo.exited)[0]).toBe(code);
  await nothingIsLeft(demo.home);
});

test.each([
  ['SIGINT', 0],
  ['SIGKILL', null],
] as const)('with --page it serves its page until %s, and leaves nothing behind', async (signal, code) => {
  const demo = await startDemo('--page');
  const address = /To play with, in a browser: +(http:\/\/127\.0\.0\.1:\d+\/)/;
  await until(() => address.test(demo.output), { within: 60_000, what: 'the address of the page' });
  const page = await fetch(address.exec(demo.output)?.[1] as string);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<title>openfire-receipts</title>')]);
  expect((await leftOver(demo.home)).join()).toMatch(/(?=.*redis-server)(?=.*prosody)(?=.*main\.[jt]s)/);
  demo.child.kill(signal);
  expect((await demo.exited)[0]).toBe(code);
  await nothingIsLeft(demo.home);
});

test('it knows no other arguments', async () => {
  const demo = await startDemo('--twice');
  expect((await demo.exited)[0]).toBe(64);
  expect(demo.output).toContain('--twice');
});

test('with --once it tells its story, with and without a gate, ends by itself with 0, and leaves nothing behind', async () => {
  for (const [story, lines] of [
    [stories[0], STORY],
    [stories[1], SUBDOMAIN_STORY],
  ] as const) {
    const demo = story as Demo;
    const [code] = await demo.exited;
    // With what it printed, which says what did not happen.
    if (code !== 0) throw new Error(`The demo ended with ${code}:\n${demo.output}`);
    expect(demo.output).toMatch(new RegExp(lines.map((line) => line.source).join('[^]*'), 'm'));
    // No colours and no marks where nobody sees them as such.
    expect(demo.output).not.toMatch(/[\x1b✓✗↻]/);
    await nothingIsLeft(demo.home);
  }
});
