import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { loadConfig } from '../../src/config/config.ts';
import { carryOut, TrialError } from '../../src/doctor/trial.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

// `openfire-receipts try`: a message is lost, sent again, and found in the console.
const ROOT = path.resolve(import.meta.dirname, '../..');

let world: World;
beforeEach(async () => {
  world = await World.open({ gate: OWN_SERVER });
});
afterEach(() => world.close());

const accounts = () => {
  const account = (name: string) => ({
    jid: `${name}@${world.xmpp.domain}`,
    password: world.xmpp.passwords.get(name) ?? '',
    address: `${world.xmpp.host}:${world.xmpp.c2sPort}`,
  });
  return { sender: account('alice'), recipient: account('bob') };
};

test.each(['transparent', 'subdomain'])(
  'MODE=%s: what was lost comes again, and the console has its life',
  async (MODE) => {
    const settings = { MODE, TRACE_MESSAGES: '1h', HTTP_PORT: '0', PROOF_GRACE: '1s' };
    const proxy = await world.startProxy(settings);
    await until(() => proxy.readiness.ready, { what: 'readiness' });
    const said: string[] = [];
    const { key, id } = await carryOut(loadConfig(world.environment(settings)), accounts(), (line) => said.push(line));
    expect(said).toEqual([
      expect.stringMatching(/ are logged in/),
      'A message: stored, and delivered.',
      expect.stringMatching(/^A second one: stored\. bob@.* lost his connection/),
      expect.stringMatching(/^He is back, and was sent it again (?:at once|after [\d.]+ s): delivered\.$/),
    ]);
    const life = async () =>
      (await (await fetch(`${proxy.url}/api/messages/${key}`)).json()) as {
        message: { id: string; state: string };
        steps: { what: string }[];
      };
    expect((await life()).message).toMatchObject({ id, state: 'delivered' });
    // Steps are written a few times a second.
    await until(async () => (await life()).steps.some(({ what }) => what === 'redelivered'), { what: 'the step' });
    // Nothing of the trial is left for him.
    const bob = await world.user('bob');
    const alice = await world.user('alice');
    await alice.say(MODE === 'subdomain' ? world.proxied('bob') : `bob@${world.xmpp.domain}`, 'after the trial');
    await bob.hears('after the trial');
    expect(bob.count((stanza) => stanza.getChild('body') !== undefined)).toBe(1);
  },
);

test('nobody acknowledges: it says what to look at, and the command ends with 1', async () => {
  const config = loadConfig(world.environment({ MODE: 'transparent' }));
  await expect(
    carryOut(config, { ...accounts(), sender: { ...accounts().sender, password: 'wrong' } }, () => {}),
  ).rejects.toThrow(TrialError);

  const { sender, recipient } = accounts();
  const args = ['try', sender.jid, recipient.jid, '--client-address', sender.address, '--env-file', '/dev/null'];
  const command = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...world.environment() },
  });
  let errors = '';
  command.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  command.stdin.end(`${sender.password}\nwrong\n`);
  const [status] = await once(command, 'close');
  expect([status, errors]).toEqual([1, expect.stringMatching(/^bob@.* could not log in: not-authorized/)]);
});
