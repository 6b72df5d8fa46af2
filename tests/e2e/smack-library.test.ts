// The library for Smack (clients/smack): its own tests, and its example on both sides of a conversation.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ChatDemo, type ChatDemoOptions } from '../support/clients/chat-demo.ts';
import { buildSmackLibrary, LIGHT, run, type Smack } from '../support/clients/smack.ts';
import { trustOptions } from '../support/clients/trust-store.ts';
import { Relay } from '../support/peer/relay.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const built = await buildSmackLibrary();
if (typeof built === 'string') console.info(`Skipped: ${built}`);

(typeof built === 'string' ? describe.skip : describe)('the library for Smack', () => {
  const smack = built as Smack;
  let folder: string;
  let keys: string;
  beforeAll(async () => {
    keys = await temporaryFolder('smack-keys');
    folder = await temporaryFolder('smack-stores');
  });
  afterAll(async () => {
    await removeFolder(folder);
    await removeFolder(keys);
    await smack.close();
  });

  test('its own tests pass', async () => {
    const runner = ['org.junit.platform.console.ConsoleLauncher', 'execute', '--disable-banner'];
    const options = ['--scan-classpath', smack.classpath.split(path.delimiter)[0] as string, '--details=tree'];
    await run('java', [...LIGHT, '-cp', smack.classpath, ...runner, ...options, '--fail-if-no-tests']).catch(
      (error: { stdout?: string }) => {
        throw new Error(error.stdout ?? String(error));
      },
    );
  });

  describe('on a server', () => {
    let world: World;
    let trusts: readonly string[] | undefined;
    const programs: ChatDemo[] = [];
    const start = (name: string, options: Partial<ChatDemoOptions> = {}) => {
      const program = new ChatDemo(smack, world, name, { store: path.join(folder, name), trusts, ...options });
      programs.push(program);
      return program;
    };
    const online = async (name: string, options: Partial<ChatDemoOptions> = {}) => {
      const program = start(name, options);
      await program.prints('online');
      return program;
    };

    beforeAll(async () => {
      world = await World.open({ gate: true });
      if (!OWN_SERVER) trusts = await trustOptions(world, keys);
      await world.startProxy({ MODE: 'both', PROOF_GRACE: '1ms' });
      await until(() => world.proxy.readiness.ready, { what: 'the gate' });
    });
    afterEach(async () => {
      await Promise.all(programs.splice(0).map((program) => program.leave()));
      await removeFolder(folder);
      folder = await temporaryFolder('smack-stores');
    });
    afterAll(() => world?.close());

    test.each([
      ['the component’s addresses', (name: string) => world.proxied(name)],
      ['the users’ own addresses', (name: string) => `${name}@${world.xmpp.domain}`],
    ])(
      '%s: stored and delivered are told apart; a text that would end the stream arrives',
      async (_, address) => {
        const alice = await online('alice');
        // He is away: so what she hears at once cannot be his.
        const id = await alice.say(address('bob'), 'Grüße ]]> & <3 👋');
        await alice.prints(`stored ${id} COMPONENT`);
        expect(alice.count('delivered')).toBe(0);
        const bob = await online('bob');
        await bob.prints(/^message alice@.*: Grüße ]]> & <3 👋$/);
        await alice.prints(`delivered ${id} ${address('bob')}`);
        // Whatever was sent before this is here with it.
        await alice.prints(`delivered ${await alice.say(address('bob'), 'Another')}`);
        expect(alice.lines.filter((line) => line.includes(id))).toEqual([
          `sent ${id}`,
          `stored ${id} COMPONENT`,
          `delivered ${id} ${address('bob')}`,
        ]);
        expect(bob.count('message')).toBe(2);
        expect([alice, bob].map((one) => one.count('problem'))).toEqual([0, 0]);
      },
      240_000,
    );

    test('what was typed before a kill is sent after it, and shown once', async () => {
      const bob = await online('bob');
      const relay = await Relay.to(world.xmpp.c2sPort, undefined, world.xmpp.host);
      const store = path.join(folder, 'alice');
      const alice = await online('alice', { relay, store });
      const first = await alice.say(world.proxied('bob'), 'before the cut');
      await alice.prints(`delivered ${first}`);
      relay.deafen('near');
      const ids = [await alice.say(world.proxied('bob'), 'one'), await alice.say(world.proxied('bob'), 'two')];
      await alice.kill();
      await relay.close();
      const again = await online('alice', { store });
      for (const id of ids) await again.prints(`delivered ${id}`);
      await again.prints(`delivered ${await again.say(world.proxied('bob'), 'the last')}`);
      const texts = bob.lines.filter((line) => line.startsWith('message')).map((line) => line.split(': ')[1]);
      expect(texts).toEqual(['before the cut', 'one', 'two', 'the last']);
    }, 240_000);

    test('a recipient that is killed with its receipts on their way is sent copies, and shows none', async () => {
      const relay = await Relay.to(world.xmpp.c2sPort, undefined, world.xmpp.host);
      const store = path.join(folder, 'bob');
      const alice = await online('alice');
      // The same resource, so that the server ends the first session when the second begins.
      const resource = world.newResource();
      const bob = await online('bob', { relay, store, resource });
      await alice.prints(`delivered ${await alice.say(world.proxied('bob'), 'before')}`);
      relay.deafen('near');
      const id = await alice.say(world.proxied('bob'), 'confirmed to nobody');
      await bob.prints(/: confirmed to nobody$/);
      // Killed before its handling was written, it would rightly be shown again.
      await until(async () => (await readFile(store, 'utf8')).includes(id), { what: 'the message in the store' });
      await bob.kill();
      await relay.close();
      const again = await online('bob', { store, resource });
      await alice.prints(`delivered ${id}`);
      await alice.prints(`delivered ${await alice.say(world.proxied('bob'), 'after')}`);
      expect(again.lines.filter((line) => line.startsWith('message')).map((line) => line.split(': ')[1])).toEqual([
        'after',
      ]);
    }, 240_000);
  });
});
