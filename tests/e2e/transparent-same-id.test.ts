// A client that counts its ids anew in each session gives several messages of one (sender, recipient, id): what confirms one of them is
// taken for that one, whether its sender is there and has the receipt from the server, or is away.

import { RawClient } from '../support/gate/raw-client.ts';
import { World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

/** Whatever ends, ends within it, so that nothing is proved by time. */
const SETTINGS = { MODE: 'transparent', PROOF_GRACE: '10m', RETRY_SCHEDULE: '30s', UNCONFIRMED_RETRY_AFTER: '30s' };

let world: World;
const raws: RawClient[] = [];

beforeAll(async () => {
  world = await World.open({ gate: true });
  await world.startProxy(SETTINGS);
  await until(() => world.proxy.readiness.ready, { what: 'the gate' });
});
afterAll(async () => {
  await world?.stopProxy();
  await world?.close();
});
afterEach(async () => {
  await Promise.all(raws.splice(0).map((raw) => raw.leave()));
  await world.empty();
});

const counts = () => world.proxy.metrics.counts;

/** A device of bob's that does only what the test says. */
async function device(): Promise<RawClient> {
  const { c2sPort: port, domain, passwords } = world.xmpp;
  const login = {
    port,
    domain,
    username: 'bob',
    password: passwords.get('bob') as string,
    resource: world.newResource(),
  };
  const raw = await RawClient.login(login, { presence: false });
  raws.push(raw);
  await raw.send('<presence/>');
  await raw.handledBefore();
  return raw;
}

const received = (to: string, id: string) =>
  `<message to="${to}" type="chat" id="${world.newResource()}"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`;

describe.each([true, false])('two messages of one id, each to another device; their sender is there: %s', (isThere) => {
  test('a receipt is for the one that its device was given: the other, whose device is killed, comes once more', async () => {
    const [one, other] = [await device(), await device()];
    const before = await world.user('alice');
    await before.say(one.jid, 'first', { id: '1' });
    await one.hears('first');
    await before.offline();
    const alice = await world.user('alice');
    await alice.say(other.jid, 'second', { id: '1' });
    await other.hears('second');
    if (!isThere) await alice.offline();
    const { delivered } = counts();
    await other.send(received(alice.jid, '1'));
    await until(() => counts().delivered === delivered + 1, { what: 'the receipt' });
    one.cut();
    const { attrs } = await other.hears('first');
    await other.send(received(alice.jid, attrs.id as string));
    await until(() => counts().delivered === delivered + 2, { what: 'the second receipt' });
    expect(other.bodies()).toEqual(['second', 'first']);
    if (isThere) expect(await Promise.all([alice.delivered('1'), alice.delivered('1')])).toHaveLength(2);
  });
});

test('two messages of one id to one device, whose sender is away by then: two receipts confirm both', async () => {
  const bob = await device();
  const before = await world.user('alice');
  await before.say(bob.jid, 'first', { id: '2' });
  await before.offline();
  const alice = await world.user('alice');
  await alice.say(bob.jid, 'second', { id: '2' });
  await bob.hears('second');
  await alice.offline();
  const { delivered } = counts();
  for (let times = 0; times < 2; times += 1) await bob.send(received(alice.jid, '2'));
  await until(() => counts().delivered === delivered + 2, { what: 'both receipts' });
  const back = await world.user('alice');
  await Promise.all([back.delivered('2'), back.delivered('2')]);
});
