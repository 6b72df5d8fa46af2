// An account is deleted in transparent mode (rule 20 of the gate): what waits for it ends, and its senders are told.

import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient, type RawClientOptions } from '../support/gate/raw-client.ts';
import { NO_COPIES, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

let world: World;
let account: RawClientOptions;

beforeAll(async () => {
  const modules = ['register_ibr', 'user_account_management'];
  world = await World.open({ gate: true, modules, config: 'allow_registration = true' });
  const { c2sPort: port, domain } = world.xmpp;
  account = { port, domain, username: `erin${Date.now()}`, resource: 'desk' };
  await RawClient.register(account);
});
afterAll(() => world?.close());

const begin = () => world.startProxy({ MODE: 'transparent', ...NO_COPIES });
const isHeld = () => until(() => world.proxy.readiness.ready, { what: 'the gate' });
/** Not available: she is sent nothing. */
const deletes = async () => (await RawClient.login(account, { presence: false })).deletesAccount();

test('deleted-account: its senders are told, also one who was away, and who gets its name next gets none of it', async () => {
  await begin();
  await isHeld();
  const erin = `${account.username}@${account.domain}`;
  const [alice, carol] = [await world.user('alice'), await world.user('carol')];
  const ids = [await alice.say(erin, 'one'), await alice.say(erin, 'two')];
  for (const id of ids) await alice.acknowledged(id);
  const hers = await carol.say(erin, 'three');
  await carol.acknowledged(hers);
  await carol.offline();
  await deletes();
  for (const id of ids) {
    const failure = await alice.failed(id);
    expect(failure.attrs.from).toBe(erin);
    expect(failure.getChild('error')?.getChild('item-not-found')).toBeDefined();
  }
  await until(() => world.proxy.metrics.counts.rejected === 3, { what: 'the end of all' });
  expect((await (await world.user('carol')).failed(hers)).attrs.from).toBe(erin);
  await RawClient.register(account);
  const next = await RawClient.login(account, { presence: false });
  await next.send('<presence/>');
  const id = await alice.say(erin, 'for who has the name now');
  await next.hears('for who has the name now');
  await alice.acknowledged(id);
  expect(next.bodies()).toEqual(['for who has the name now']);
  await next.leave();
});

test('deleted right after it confirmed a message, which is in doubt then: who gets its name next gets that no more', async () => {
  await isHeld();
  const erin = `${account.username}@${account.domain}`;
  const alice = await world.user('alice');
  const delivered = world.proxy.metrics.counts.delivered;
  const old = await RawClient.login(account, { presence: false });
  await old.send('<presence/>');
  const id = await alice.say(erin, 'confirmed');
  const { attrs } = await old.hears('confirmed');
  await old.send(`<message to="${attrs.from}" type="chat"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`);
  await until(() => world.proxy.metrics.counts.delivered > delivered, { what: 'the receipt' });
  const before = world.proxy.metrics.counts.redelivered;
  await old.deletesAccount();
  await RawClient.register(account);
  const next = await RawClient.login(account, { presence: false });
  await next.send('<presence/>');
  await alice.say(erin, 'for the next');
  await next.hears('for the next');
  expect(next.bodies()).toEqual(['for the next']);
  expect(world.proxy.metrics.counts.redelivered).toBe(before);
  await next.deletesAccount();
  await RawClient.register(account);
});

test('deleted while the component was not there: the same, but for what was stored for who has the name now', async () => {
  const erin = `${account.username}@${account.domain}`;
  const alice = await world.user('alice');
  const old = await alice.say(erin, 'old');
  await alice.acknowledged(old);
  await world.stopProxy();
  await deletes();
  await RawClient.register(account);
  await sleep(1);
  await begin();
  await alice.failed(old);
  await isHeld();
  const id = await alice.say(erin, 'new');
  await alice.acknowledged(id);
  // The gate says it again to who begins.
  await world.stopProxy();
  await begin();
  await isHeld();
  const next = await RawClient.login(account, { presence: false });
  await next.send('<presence/>');
  await next.hears('new');
  expect(next.bodies()).toEqual(['new']);
  expect(alice.count(({ attrs }) => attrs.type === 'error' && attrs.id === id)).toBe(0);
  await next.deletesAccount();
});
