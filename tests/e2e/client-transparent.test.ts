// The client library where users write to each other's own addresses, and a gate in the server holds what they write.

import { memoryStore, type Tracked } from '../../packages/client/src/index.ts';
import { LibraryUser, type LibraryUserOptions } from '../support/client-library/library-user.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

// Users leave at once after their receipts: that these are in doubt then is for transparent-proofs.test.ts.
const MODE = { MODE: 'transparent', PROOF_GRACE: '1ms' };

let world: World;
const users: LibraryUser[] = [];

beforeAll(async () => {
  world = await World.open({ gate: true });
  await world.startProxy(MODE);
  await until(() => world.proxy.readiness.ready, { what: 'the gate' });
});
afterAll(() => world?.close());
afterEach(async () => {
  await Promise.all(users.splice(0).map((user) => user.close()));
  await world.empty();
});

async function login(name: string, options: LibraryUserOptions = {}): Promise<LibraryUser> {
  const user = await LibraryUser.login(world, name, { store: memoryStore(), ...options });
  users.push(user);
  return user;
}

/** Resolves with a message that has ended. */
async function end(user: LibraryUser, id: string): Promise<Tracked> {
  let last: Tracked | undefined;
  for await (const tracked of user.receipts.watch(id)) last = tracked;
  return last as Tracked;
}

const bob = () => `bob@${world.xmpp.domain}`;

test('a message to a user’s own address is stored, then delivered; the component is found by disco', async () => {
  const alice = await login('alice');
  const recipient = await login('bob');
  const sent = await alice.receipts.send({ to: bob(), body: 'Are you there?' });
  expect(sent).toMatchObject({ state: 'stored', storedBy: 'proxy', attempts: 1 });
  expect(alice.receipts.component).toBe(world.xmpp.componentDomain);
  expect((await end(alice, sent.id)).state).toBe('delivered');
  const heard = await recipient.hears('Are you there?');
  expect(heard).toMatchObject({ id: sent.id, proxied: true, from: alice.xmpp.jid.toString() });
  expect([...alice.problems, ...recipient.problems]).toEqual([]);
});

test('cut in the middle of a burst, resumed or begun anew: each arrives once', async () => {
  for (const streamManagement of [true, false]) {
    const alice = await login('alice', { streamManagement });
    const recipient = await login('bob', { streamManagement });
    const bodies = Array.from({ length: 50 }, (_, i) => `${streamManagement} ${i}`);
    const ids = bodies.map((body) => alice.receipts.send({ to: bob(), body }).id);
    await recipient.hears(`${streamManagement} 10`);
    alice.relay.reset();
    const ends = await Promise.all(ids.map((id) => end(alice, id)));
    expect(new Set(ends.map(({ state }) => state))).toEqual(new Set(['delivered']));
    expect(recipient.bodies().sort()).toEqual(bodies.sort());
    expect([...alice.problems, ...recipient.problems]).toEqual([]);
    await Promise.all([alice.close(), recipient.close()]);
  }
});

test('written while the recipient is away: stored by the component, delivered when he comes, once', async () => {
  const alice = await login('alice');
  const ids = ['one', 'two'].map((body) => alice.receipts.send({ to: bob(), body }).id);
  await until(() => ids.every((id) => alice.receipts.get(id)?.storedBy === 'proxy'), { what: 'what is stored' });
  const recipient = await login('bob');
  for (const id of ids) expect((await end(alice, id)).state).toBe('delivered');
  expect(recipient.bodies()).toEqual(['one', 'two']);
});

test('without the component chat goes on: nothing is sent twice, and what comes after it is back is stored', async () => {
  const alice = await login('alice', { streamManagement: false, resendAfter: 1000 });
  const recipient = await login('bob', { autoReceipt: 'disabled' });
  const say = (body: string) => alice.receipts.send({ to: bob(), body });
  const stored = (id: string) =>
    until(() => alice.receipts.get(id)?.storedBy === 'proxy', { what: 'what the component has stored' });
  await stored(say('before').id);
  await world.stopProxy();
  // Nobody acknowledges it, so that its time comes.
  expect(await say('meanwhile')).toMatchObject({ state: 'sent', attempts: 1 });
  await world.startProxy(MODE);
  await until(() => world.proxy.readiness.ready, { what: 'the gate' });
  for (const body of ['after', 'again']) {
    const { id } = say(body);
    await stored(id);
    expect(alice.receipts.get(id)?.attempts).toBe(1);
  }
  await recipient.hears('again');
  expect(recipient.bodies()).toEqual(['before', 'meanwhile', 'after', 'again']);
});

// Openfire says nothing of an unknown user.
(OWN_SERVER ? test : test.skip)('to somebody who does not exist: rejected', async () => {
  const alice = await login('alice');
  const sending = alice.receipts.send({ to: `nobody@${world.xmpp.domain}`, body: 'to nobody' });
  expect(await end(alice, sending.id)).toMatchObject({ state: 'failed', failure: { reason: 'rejected' } });
});
