// The programs in examples: that they compile, and that they do what docs/client.md says.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { chromiumProgram, TestBrowser } from '../support/browser/browser.ts';
import { opened } from '../support/process/opened.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { HAS_WEBSOCKET, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const EXAMPLES = path.join(ROOT, 'examples');
const PATIENT = path.join(ROOT, 'tests/support/clients/patient.mjs');
const BROWSES = HAS_WEBSOCKET && chromiumProgram !== undefined;
if (!BROWSES)
  console.info('Skipped in part: no chromium here (apt: chromium), or E2E_WEBSOCKET_URL names no ws:// of that server');

let world: World;
beforeAll(async () => {
  world = await World.open({ websocket: true });
  await world.startProxy();
});
afterEach(() => world.empty());
afterAll(() => world?.close());

test('they compile', () => {
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', EXAMPLES], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, '']);
});

test('the program for Node answers each message once, also when it is killed', async () => {
  const folder = await temporaryFolder('echo');
  const running: ChildProcess[] = [];
  const start = async () => {
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      TSX_TSCONFIG_PATH: path.join(EXAMPLES, 'tsconfig.json'),
      SERVICE: `xmpp://${world.xmpp.host}:${world.xmpp.c2sPort}`,
      DOMAIN: world.xmpp.domain,
      USERNAME: 'bob',
      PASSWORD: world.xmpp.passwords.get('bob'),
      STORE: path.join(folder, 'store'),
    };
    const args = ['--import', 'tsx', '--import', PATIENT, path.join(EXAMPLES, 'node/echo.ts')];
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(child);
    child.once(
      'close',
      opened('an example', () => child.kill('SIGKILL')),
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    await until(() => /^online$/m.test(output) || child.exitCode !== null, { what: 'the program' });
    expect(output).toMatch(/^online$/m);
    return child;
  };
  const kill = async (child: ChildProcess) => {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  try {
    const alice = await world.user('alice');
    const first = await start();
    await alice.say(world.proxied('bob'), 'one', { id: 'b7f0c7f2-6a5d-4b0a-9a6e-0d3c1f5b7a11' });
    await alice.hears('You said: one');
    await kill(first);
    const second = await start();
    await alice.say(world.proxied('bob'), 'one', { id: 'b7f0c7f2-6a5d-4b0a-9a6e-0d3c1f5b7a11' });
    await alice.say(world.proxied('bob'), 'two', { id: 'b7f0c7f2-6a5d-4b0a-9a6e-0d3c1f5b7a12' });
    await alice.hears('You said: two');
    expect(alice.bodies().filter((body) => body.startsWith('You said'))).toEqual(['You said: one', 'You said: two']);
    await kill(second);
  } finally {
    for (const child of running) child.kill('SIGKILL');
    await removeFolder(folder);
  }
});

(BROWSES ? test : test.skip)(
  'the page: sent, ticked, answered; a second tab waits, and goes on when the first is closed',
  async () => {
    const browser = await TestBrowser.start(path.join(EXAMPLES, 'browser/page.tsx'));
    try {
      const dave = await world.user('dave');
      const account = new URLSearchParams({
        service: world.xmpp.websocketUrl as string,
        domain: world.xmpp.domain,
        username: 'alice',
        password: world.xmpp.passwords.get('alice') ?? '',
        contact: world.proxied('dave'),
      });
      const open = async () => (await browser.open('chat', undefined, `#${account}`)).page;
      const first = await open();
      await first.getByLabel('Message').fill('Are you there?');
      await first.getByRole('button', { name: 'Send' }).click();
      const { from } = (await dave.hears('Are you there?')).attrs;
      await first.getByText('Are you there? ✓✓').waitFor();
      await dave.say(from as string, 'I am');
      await first.getByText('I am').waitFor();

      const second = await open();
      await second.getByText('Open in another tab').waitFor();
      await first.close();
      await second.getByLabel('Message').fill('From the second');
      await second.getByRole('button', { name: 'Send' }).click();
      await dave.hears('From the second');
      await second.getByText('From the second ✓✓').waitFor();
      expect(dave.bodies()).toEqual(['Are you there?', 'From the second']);
    } finally {
      await browser.close();
    }
  },
);
