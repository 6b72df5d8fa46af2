// Users who come by BOSH (XEP-0124) and WebSocket (RFC 7395), in transparent mode.

import xml from '@xmpp/xml';
import { type BoshOptions, BoshUser } from '../support/clients/bosh-user.ts';
import type { Dialogue } from '../support/clients/dialogue.ts';
import type { TestUser } from '../support/clients/test-user.ts';
import { WebSocketUser } from '../support/clients/websocket-user.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const MODE = { MODE: 'transparent', RETRY_SCHEDULE: '30s', UNCONFIRMED_RETRY_AFTER: '30s', PROOF_GRACE: '50ms' };
const HAS_WEB = OWN_SERVER || (process.env.E2E_WEBSOCKET_URL !== undefined && process.env.E2E_BOSH_URL !== undefined);
if (!HAS_WEB) console.info('Skipped: E2E_BOSH_URL and E2E_WEBSOCKET_URL name where that server takes such clients');

(HAS_WEB ? describe : describe.skip)('in a browser', () => {
  let world: World;
  let alice: TestUser;
  let isOld: boolean;
  const visitors: (BoshUser | WebSocketUser)[] = [];

  beforeAll(async () => {
    world = await World.open({ gate: true, websocket: true });
    isOld = await world.isOpenfire42();
  });
  afterAll(() => world?.close());
  beforeEach(async () => {
    await begin(MODE);
    alice = await world.user('alice');
  });
  afterEach(async () => {
    await Promise.all(visitors.splice(0).map((user) => user.leave()));
    await world.empty();
    await world.stopProxy();
  });

  async function begin(settings: Record<string, string>): Promise<void> {
    await world.startProxy(settings);
    await until(() => world.proxy.readiness.ready, { what: 'the gate' });
  }

  async function come<User extends BoshUser | WebSocketUser>(
    By: { login: (options: BoshOptions) => Promise<User> },
    url: string | undefined,
    { autoReceipt = true } = {},
  ): Promise<User> {
    const { domain, passwords } = world.xmpp;
    const [username, resource] = ['bob', world.newResource()];
    const password = passwords.get(username) ?? '';
    const user = await By.login({ url: url ?? '', domain, username, password, resource, autoReceipt });
    visitors.push(user);
    return user;
  }
  const bosh = (options = {}) => come(BoshUser, world.xmpp.boshUrl, options);
  const websocket = (options = {}) => come(WebSocketUser, world.xmpp.websocketUrl, options);
  /** Openfire 4.2 does not say that a client has closed its stream; and BOSH's last request ends the session while what is in it is handled. */
  async function saysThatHeLeaves(user: Dialogue): Promise<void> {
    await user.send(xml('presence', { type: 'unavailable' }));
    await user.iq(xml('iq', { type: 'get', to: world.xmpp.domain }, xml('ping', { xmlns: 'urn:xmpp:ping' })));
  }
  const counts = () => world.proxy.metrics.counts;
  const receipts = ({ received }: Dialogue) => received.filter((el) => el.getChild('received') !== undefined);

  /** Alice writes to somebody whose client gets it and whose connection dies before it reads. */
  async function lost(text: string): Promise<string> {
    const before = await world.user('bob', { autoReceipt: false });
    before.freeze();
    const handedOver = counts().handedOver;
    const id = await alice.say(before.bare, text);
    await alice.acknowledged(id);
    await until(() => counts().handedOver > handedOver, { what: 'the outcome' });
    before.cut();
    return id;
  }

  for (const [name, login] of [
    ['BOSH', bosh],
    ['WebSocket', websocket],
  ] as const) {
    test(`${name}: held, delivered both ways, and confirmed by a receipt`, async () => {
      const bob = await login();
      const id = await alice.say(bob.bare, 'to the browser');
      await alice.acknowledged(id);
      expect((await bob.hears('to the browser')).attrs.from).toBe(alice.jid);
      expect((await alice.delivered(id)).attrs.from).toBe(bob.jid);
      const answer = await bob.say(alice.bare, 'from the browser');
      await alice.hears('from the browser');
      await bob.acknowledged(answer);
      await bob.delivered(answer);
      await until(() => counts().delivered === 2, { what: 'the receipts' });
      expect(receipts(bob)).toHaveLength(1);
      expect(counts()).toMatchObject({ gateStored: 2, gatePassed: 0, redelivered: 0 });
    });

    test(`${name}: what was lost before is sent again into this session, once`, async () => {
      const id = await lost('to be lost');
      const bob = await login();
      expect((await bob.hears('to be lost')).attrs.from).toBe(alice.jid);
      await alice.delivered(id);
      await alice.delivered(await alice.say(bob.bare, 'after it'));
      expect(bob.bodies()).toEqual(['to be lost', 'after it']);
      expect(counts().redelivered).toBe(1);
    });

    test(`${name}: what is confirmed by one who logs out in order at once does not come again`, async () => {
      await world.stopProxy();
      await begin({ ...MODE, PROOF_GRACE: '10m' });
      const bob = await login();
      await alice.delivered(await alice.say(bob.bare, 'confirmed'));
      if (isOld) await saysThatHeLeaves(bob);
      await bob.leave(isOld);
      const next = await world.user('bob');
      await alice.delivered(await alice.say(bob.bare, 'after it'));
      expect(next.bodies()).toEqual(['after it']);
      expect(counts()).toMatchObject({ proofsDoubted: 0, redelivered: 0 });
    });

    test(`${name}: written to while he was away`, async () => {
      for (const text of ['one', 'two']) await alice.acknowledged(await alice.say(`bob@${world.xmpp.domain}`, text));
      const bob = await login();
      await alice.delivered(await alice.say(bob.bare, 'three'));
      await until(() => counts().delivered === 3, { what: 'the receipts' });
      expect(bob.bodies()).toEqual(['one', 'two', 'three']);
    });
  }

  test('WebSocket: a client without receipts is proved to have it', async () => {
    const bob = await websocket({ autoReceipt: false });
    await alice.acknowledged(await alice.say(bob.bare, 'no receipt'));
    await until(() => counts().provedBySession === 1, { what: 'the proof' });
    await bob.leave();
    const next = await world.user('bob');
    await alice.delivered(await alice.say(next.bare, 'after it'));
    expect(next.bodies()).toEqual(['after it']);
  });

  test('BOSH: nothing but a receipt proves it, and no ping is sent', async () => {
    const bob = await bosh({ autoReceipt: false });
    const id = await alice.say(bob.bare, 'no receipt');
    await bob.hears('no receipt');
    await alice.acknowledged(id);
    await bob.leave(isOld);
    const next = await world.user('bob');
    await next.hears('no receipt');
    await alice.delivered(id);
    expect(counts()).toMatchObject({ provedBySession: 0, redelivered: 1 });
    const pings = bob.received.filter((el) => el.getChild('ping') !== undefined);
    expect(pings.filter(({ attrs }) => attrs.from === world.xmpp.domain)).toEqual([]);
  });
});
