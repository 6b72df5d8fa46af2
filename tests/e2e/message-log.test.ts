import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

let world: World;
let proxy: ProxyProcess;

beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());
afterEach(async () => {
  await proxy.signal('SIGKILL');
  await world.empty();
});

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly why?: string;
  readonly [field: string]: unknown;
}

/** The command that the documentation has for it. */
const [, COMMAND = ''] =
  /## Follow one message.*?```sh\nID=m-1\n(.*?)```/s.exec(
    readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8'),
  ) ?? [];

/** What the log says of one message, as an operator finds it; what is logged without LOG_LEVEL=debug as well is left out. */
async function follow(output: string, id: string): Promise<Line[]> {
  const directory = await temporaryFolder('log');
  writeFileSync(join(directory, 'receipts.log'), output);
  const found = execFileSync('sh', ['-c', `ID=${id}\n${COMMAND}`], { cwd: directory, encoding: 'utf8' });
  await removeFolder(directory);
  return found
    .trim()
    .split('\n')
    .map((line): Line => JSON.parse(line))
    .filter(({ level, msg }) => level === 'debug' && msg.startsWith('Message '));
}

const steps = (lines: readonly Line[]) => lines.map(({ msg }) => msg.slice('Message '.length));

/** One copy by the clock, and then none before the end. */
const SHORT = { RETRY_SCHEDULE: '1s,7s', UNCONFIRMED_RETRY_AFTER: '1s', MESSAGE_TTL: '8s' };

test('one message that is redelivered and confirmed and one that expires are read back by their ids, without a body', async () => {
  proxy = new ProxyProcess(world.environment({ ...SHORT, LOG_LEVEL: 'debug' }));
  await proxy.prints('The link is up');
  const alice = await world.user('alice');
  const before = await world.user('bob');
  await alice.delivered(await alice.say(world.proxied('bob'), 'He returns receipts'));
  await before.offline();

  const bob = await world.user('bob', { autoReceipt: false });
  await alice.say(world.proxied('bob'), 'Meet me at the old mill', { id: 'again' });
  await bob.hears('Meet me at the old mill');
  await bob.hears((stanza) => stanza.attrs.id === 'again' && stanza.getChild('delay') !== undefined);
  // Of a receipt that overtakes the server's proof there are fewer lines, and whether it does is the server's affair.
  const handedOver = async () => steps(await follow(proxy.output, 'again')).filter((step) => step === 'handed over');
  await until(async () => (await handedOver()).length === 2, { what: 'the proof that the server has the second copy' });
  await bob.send(`<message to="${world.proxied('alice')}"><received xmlns="urn:xmpp:receipts" id="again"/></message>`);
  await alice.delivered('again');
  await alice.say(world.proxied('bob'), 'Come alone to the old mill', { id: 'never' });
  await alice.failed('never');
  expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });

  const again = await follow(proxy.output, 'again');
  expect(steps(again)).toEqual([
    'accepted',
    'acknowledged',
    'forwarded',
    'handed over',
    'redelivery scheduled',
    'rule applied',
    'redelivered',
    'rule applied',
    'handed over',
    'redelivery scheduled',
    'rule applied',
    'confirmed',
    'delivered',
    'notified',
  ]);
  const bobs = new RegExp(`^${bob.bare}/.+`);
  expect(again[2]).toMatchObject({ from: alice.bare, to: bob.bare, session: bob.bare, attempt: 1 });
  expect(again[4]).toMatchObject({ why: 'by the clock, if no evidence comes first', due: expect.any(String) });
  const rule = 'presence unknown, confirms yes, last copy handed over: timer = timetable';
  expect(again[5]).toMatchObject({ rule, why: 'the server has a copy', from: alice.bare, to: bob.bare });
  expect(again[6]).toMatchObject({ why: 'it was due', session: bob.bare, attempt: 2 });
  expect(again[7]).toMatchObject({ rule, why: 'it was due' });
  expect(again[11]).toMatchObject({ why: 'a receipt, delivered', session: expect.stringMatching(bobs) });

  const never = await follow(proxy.output, 'never');
  expect(steps(never).slice(0, 5)).toEqual([
    'accepted',
    'acknowledged',
    'forwarded',
    'handed over',
    'redelivery scheduled',
  ]);
  expect(steps(never)).toContain('redelivered');
  expect(steps(never).slice(-2)).toEqual(['expired', 'notified']);
  expect(never.at(-1)?.why).toBe('it is expired');
  expect(proxy.output).not.toContain('old mill');
});

test('LOG_BODIES shows what was written, to whoever asks for it', async () => {
  proxy = new ProxyProcess(world.environment({ LOG_LEVEL: 'debug', LOG_BODIES: 'true' }));
  await proxy.prints('The link is up');
  const alice = await world.user('alice');
  await world.user('bob');
  await alice.delivered(await alice.say(world.proxied('bob'), 'Meet me at the old mill', { id: 'shown' }));
  expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
  const [first] = await follow(proxy.output, 'shown');
  expect(first).toMatchObject({
    msg: 'Message accepted',
    content: expect.stringContaining('<body>Meet me at the old mill</body>'),
  });
});
