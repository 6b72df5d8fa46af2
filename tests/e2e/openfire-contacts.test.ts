import type { OpenfireLike } from '../support/openfire/openfire.ts';
import type { OpenfireUser } from '../support/openfire/user.ts';
import { OpenfireStage } from '../support/stages/openfire-stage.ts';
import { NO_COPIES } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

/** Two users of the scripted server, known to each other by their proxied addresses only. */
let stage: OpenfireStage;
let openfire: OpenfireLike;

beforeAll(async () => {
  stage = await OpenfireStage.open();
});
afterAll(() => stage.close());
afterEach(() => stage.empty());

const ALICE = 'alice@receipts.example.org';
const BOB = 'bob@receipts.example.org';

async function become(alice: OpenfireUser, bob: OpenfireUser): Promise<void> {
  await alice.subscribesTo(BOB);
  await bob.isAskedBy(ALICE);
  await bob.approves(ALICE);
  await alice.isApprovedBy(BOB);
  await bob.subscribesTo(ALICE);
  await alice.isAskedBy(BOB);
  await alice.approves(BOB);
  await bob.isApprovedBy(ALICE);
  await alice.seesPresence(`${BOB}/desk`);
  await bob.seesPresence(`${ALICE}/phone`);
}

/** Presences of that type that the proxy sent in somebody's name to somebody, since then. */
const sent = (type: string, from: string, to: string, since = 0) =>
  openfire.handled.slice(since).filter(({ name, attrs }) => {
    const isFrom = attrs.from === from || attrs.from?.startsWith(`${from}/`) === true;
    return name === 'presence' && attrs.type === type && isFrom && attrs.to?.split('/')[0] === to;
  });
/** How often the proxy asked the server of its own accord for a user, since then; users' servers ask without such an id. */
const probesOf = (name: string, since: number) =>
  openfire.handled
    .slice(since)
    .filter(({ attrs }) => attrs.type === 'probe' && attrs.to === `${name}@example.org` && attrs.id !== undefined);

describe.each(['5.1.1', '4.2.4'] as const)('contacts on %s', (version) => {
  test('they become contacts; each sees how the other is, comes and goes; she removes him', async () => {
    openfire = await stage.openfire({ version });
    await stage.attach();
    const [alice, bob] = [openfire.user('alice', 'phone'), openfire.user('bob', 'desk')];
    await become(alice, bob);
    expect(openfire.roster('alice').subscription(BOB)).toBe('both');
    expect(openfire.roster('bob').subscription(ALICE)).toBe('both');
    await bob.goesAvailable({ show: 'away', status: 'Lunch', priority: 2 });
    await alice.seesPresence(`${BOB}/desk`, { show: 'away', status: 'Lunch', priority: 2 });
    bob.freeze();
    bob.cut();
    await alice.seesPresence(`${BOB}/desk`, { type: 'unavailable' });
    bob.online();
    await alice.seesPresence(`${BOB}/desk`);
    await bob.seesPresence(`${ALICE}/phone`);
    expect((await alice.removes(BOB)).attrs.type).toBe('result');
    await until(() => openfire.roster('bob').subscription(ALICE) === 'none', { what: 'the end of it for bob' });
    await bob.seesPresence(`${ALICE}/phone`, { type: 'unavailable' });
    // The removal itself is answered, so that her client is not told that it failed.
    expect(alice.count((el) => el.name === 'iq' && el.attrs.type === 'error')).toBe(0);
  });

  test('she asks a bob who is away: he is asked when he comes, once a login', async () => {
    openfire = await stage.openfire({ version });
    await stage.attach();
    const alice = openfire.user('alice', 'phone');
    openfire.register('bob');
    await alice.subscribesTo(BOB);
    await until(() => sent('subscribe', ALICE, 'bob@example.org').length === 1, { what: 'the request' });
    const bob = openfire.user('bob', 'desk');
    await bob.isAskedBy(ALICE);
    await bob.approves(ALICE);
    await alice.isApprovedBy(BOB);
    await alice.seesPresence(`${BOB}/desk`);
    bob.offline();
    bob.online();
    await alice.seesPresence(`${BOB}/desk`, { type: 'unavailable' });
    await alice.seesPresence(`${BOB}/desk`);
    expect(bob.count((el) => el.attrs.type === 'subscribe')).toBe(1);
  });

  test('the link drops and returns: one probe each, and who left meanwhile is not shown any more', async () => {
    openfire = await stage.openfire({ version });
    const proxy = await stage.attach();
    const [alice, bob] = [openfire.user('alice', 'phone'), openfire.user('bob', 'desk')];
    await become(alice, bob);
    // What is not proved to have been handled would come a second time on the new link.
    await until(() => proxy.link.stats.queued === 0, { what: 'the proof that all was handled' });
    const since = openfire.handled.length;
    const online = new Promise<void>((resolve) => proxy.link.once('online', () => resolve()));
    openfire.reset();
    // While nobody is told of it.
    bob.offline();
    await online;
    await alice.seesPresence(BOB, { type: 'unavailable' });
    const probes = () => ['bob', 'alice'].map((name) => probesOf(name, since).length);
    await until(() => probes().every((count) => count > 0), { what: 'a probe of each' });
    await alice.hasAllFrom(alice, ALICE);
    expect(probes()).toEqual([1, 1]);
    bob.online();
    await alice.seesPresence(`${BOB}/desk`);
    await bob.seesPresence(`${ALICE}/phone`);
    expect([alice, bob].map((user) => user.count((el) => el.attrs.type === 'subscribe'))).toEqual([1, 1]);
  });

  test('he is away: the server keeps his messages, and he sees each once', async () => {
    openfire = await stage.openfire({ version });
    const proxy = await stage.attach({ RETRY_SCHEDULE: '1s,100ms' });
    const [alice, bob] = [openfire.user('alice', 'phone'), openfire.user('bob', 'desk')];
    await become(alice, bob);
    await alice.delivered(await alice.say(BOB, 'good night'));
    bob.offline();
    await alice.seesPresence(BOB, { type: 'unavailable' });
    const texts = Array.from({ length: 20 }, (_, i) => `${i + 1}`);
    for (const text of texts) await alice.acknowledged(await alice.say(BOB, text));
    // Somebody of whom nothing is known is sent copies by the clock meanwhile.
    const dave = openfire.user('dave', 'attic');
    await alice.delivered(await alice.say('dave@receipts.example.org', 'are you there?'));
    dave.autoReceipt = false;
    await alice.say('dave@receipts.example.org', 'night watch');
    for (let i = 0; i < 6; i += 1) await dave.hears('night watch');
    bob.online();
    await until(() => proxy.metrics.counts.delivered === texts.length + 2, { what: 'his receipts' });
    expect(bob.bodies()).toEqual(['good night', ...texts]);
  });

  test('he is lost with what he had not confirmed: it comes again when he does', async () => {
    openfire = await stage.openfire({ version });
    const proxy = await stage.attach(NO_COPIES);
    const [alice, bob] = [openfire.user('alice', 'phone'), openfire.user('bob', 'desk')];
    await become(alice, bob);
    await alice.delivered(await alice.say(BOB, 'confirmed'));
    bob.freeze();
    const texts = Array.from({ length: 50 }, (_, i) => `${i + 1}`);
    for (const text of texts) await alice.acknowledged(await alice.say(BOB, text));
    await until(() => proxy.link.stats.queued === 0, { what: 'the proof that all was handled' });
    bob.cut();
    await alice.seesPresence(BOB, { type: 'unavailable' });
    bob.online();
    await until(() => proxy.metrics.counts.delivered === texts.length + 1, { what: 'his receipts' });
    expect(bob.bodies()).toEqual(['confirmed', ...texts]);
    expect(proxy.metrics.counts).toMatchObject({ evidenceSessionEnded: texts.length, redelivered: texts.length });
  });

  test('a clean stop shows everybody as gone', async () => {
    openfire = await stage.openfire({ version });
    const proxy = await stage.attach();
    const [alice, bob] = [openfire.user('alice', 'phone'), openfire.user('bob', 'desk')];
    await become(alice, bob);
    // The farewell has a quarter of it, on cores that may be busy.
    await proxy.stop(20_000);
    await alice.seesPresence(BOB, { type: 'unavailable' });
    await bob.seesPresence(ALICE, { type: 'unavailable' });
  });
});
