import type { Account } from '../support/browser/application.ts';
import { chromiumProgram, type Tab, TestBrowser } from '../support/browser/browser.ts';
import type { TestUser } from '../support/clients/test-user.ts';
import { Relay } from '../support/peer/relay.ts';
import { HAS_WEBSOCKET, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

/** The library in a real Chromium, with its IndexedDB on the disk, over WebSocket to a real server. */
const RUNS = HAS_WEBSOCKET && chromiumProgram !== undefined;
if (!RUNS)
  console.info('Skipped: no chromium here (apt: chromium), or E2E_WEBSOCKET_URL names no ws:// of that server');

(RUNS ? describe : describe.skip)('the library in Chromium', () => {
  let world: World;
  let browser: TestBrowser;
  let relay: Relay;
  let isOld: boolean;

  beforeAll(async () => {
    [world, browser] = await Promise.all([World.open({ websocket: true }), TestBrowser.start()]);
    isOld = await world.isOpenfire42();
    await world.startProxy();
  });
  afterAll(async () => {
    await browser.close();
    await world.close();
  });
  const server = () => new URL(world.xmpp.websocketUrl as string);
  const openRelay = () => Relay.to(Number(server().port), undefined, server().hostname);
  beforeEach(async () => {
    relay = await openRelay();
  });
  afterEach(async () => {
    await relay.close();
    await world.empty();
  });

  /** An account whose network is the relay. */
  const account = (username: string): Account => ({
    service: `ws://127.0.0.1:${relay.port}${server().pathname}`,
    domain: world.xmpp.domain,
    username,
    password: world.xmpp.passwords.get(username) ?? '',
  });

  /** Logs in. What the library does first, looking for the proxy, is done then. */
  const login = async (tab: Tab, username: string) => {
    await tab.login(account(username));
    await until(async () => (await tab.call('kept')).includes(world.xmpp.componentDomain));
  };

  /** Who was never seen to return a receipt is sent one more copy only, and the next tab may be too late for it. */
  const isKnownToConfirm = async (name: string, alice: TestUser) => {
    await alice.delivered(await alice.say(world.proxied(name), 'Hello'));
  };

  const bodies = async (tab: Tab) => (await tab.read('shown')).map(({ body }) => body);

  test('sent, and the tab killed before a byte arrived: delivered after it is opened again, once, in order', async () => {
    const bob = await world.user('bob');
    const first = await browser.open('unsent');
    await login(first, 'alice');
    relay.deafen('near');
    const ids = [
      await first.call('send', world.proxied('bob'), 'one'),
      await first.call('send', world.proxied('bob'), 'two'),
    ];
    for (const id of ids) await first.call('reaches', id, 'sent');
    await first.crash();
    expect(bob.bodies()).toEqual([]);

    const second = await browser.open('unsent');
    await second.call('prepare', account('alice'));
    // Before the store was read.
    const last = await second.call('send', world.proxied('bob'), 'three');
    await second.call('login');
    for (const id of [...ids, last]) await second.call('reaches', id, 'delivered');
    expect(bob.bodies()).toEqual(['one', 'two', 'three']);
    expect(bob.received.filter((el) => el.getChildText('body')).map(({ attrs }) => attrs.id)).toEqual([...ids, last]);
    expect(await second.read('problems')).toEqual([]);
    await second.page.close();
  });

  test('sent and stored, and the tab killed before it was told: delivered once, and known to be', async () => {
    const bob = await world.user('bob');
    const first = await browser.open('untold');
    await login(first, 'alice');
    relay.deafen('far');
    const { metrics, link } = world.proxy;
    const { delivered } = metrics.counts;
    const id = await first.call('send', world.proxied('bob'), 'Did you get it?');
    await bob.hears('Did you get it?');
    // The server has given her session the receipt; one for a session that has ended would wait for the next.
    await until(() => metrics.counts.delivered > delivered && link.stats.queued === 0, { what: 'the receipt' });
    expect(await first.call('attempts', id)).toBe(1);
    await first.crash();

    const second = await browser.open('untold');
    await second.login(account('alice'));
    await second.call('reaches', id, 'delivered');
    // She asked, and did not say it again.
    const written = await second.read('written');
    expect(written.filter((stanza) => stanza.includes('<body'))).toEqual([]);
    // From Openfire 4.2 she may hear before: what a WebSocket's session has not acknowledged comes at the next login.
    if (!isOld) expect(written.filter((stanza) => stanza.includes('<status'))).toHaveLength(1);
    expect(bob.bodies()).toEqual(['Did you get it?']);
    await second.page.close();
  });

  test('the whole browser is killed while the message waits for a network: it goes when there is one', async () => {
    const bob = await world.user('bob');
    const first = await browser.open('waiting');
    await first.call('prepare', account('alice'));
    const id = await first.call('send', world.proxied('bob'), 'From the disk');
    await until(async () => (await first.call('kept')).includes(id));
    await browser.killAndRestart();
    const second = await browser.open('waiting');
    await second.login(account('alice'));
    await second.call('reaches', id, 'delivered');
    expect(bob.bodies()).toEqual(['From the disk']);
    await second.page.close();
  });

  test('taken, and the tab killed before the receipt could be written: shown once, confirmed by the next', async () => {
    // No copy comes, so that it is the receipt that was kept.
    await world.stopProxy();
    await world.startProxy({ RETRY_SCHEDULE: '1h', UNCONFIRMED_RETRY_AFTER: '1h' });
    const alice = await world.user('alice');
    const first = await browser.open('owing');
    await login(first, 'bob');
    await first.call('hold');
    const id = await alice.say(world.proxied('bob'), 'Shown once');
    await first.call('shows', 'Shown once');
    await relay.close();
    await first.call('isCut');
    await first.call('release');
    await until(async () => (await first.call('kept')).includes('owed'));
    await first.crash();
    expect(alice.count((el) => el.getChild('received')?.attrs.id === id && /@/.test(el.attrs.from ?? ''))).toBe(0);

    relay = await openRelay();
    const second = await browser.open('owing');
    await second.login(account('bob'));
    await alice.delivered(id);
    expect((await second.read('written')).filter((stanza) => stanza.includes('<received'))).toHaveLength(1);
    // What is said after it is shown after it, and no copy was before.
    await alice.say(world.proxied('bob'), 'And now?');
    await second.call('shows', 'And now?');
    expect(await bodies(second)).toEqual(['And now?']);
    expect(await second.call('kept')).not.toContain('owed');
    await second.page.close();
    await world.stopProxy();
    await world.startProxy();
  });

  test('the receipt is written and lost, and the tab killed: the copy is not shown, and is confirmed', async () => {
    const alice = await world.user('alice');
    const first = await browser.open('lost');
    await login(first, 'carol');
    await isKnownToConfirm('carol', alice);
    relay.deafen('near');
    const id = await alice.say(world.proxied('carol'), 'Once only');
    await first.call('shows', 'Once only');
    await until(async () => (await first.read('written')).some((stanza) => stanza.includes('<received')));
    await first.crash();

    const second = await browser.open('lost');
    await second.login(account('carol'));
    await alice.delivered(id);
    expect(await bodies(second)).toEqual([]);
    await second.page.close();
  });

  test('killed while the application still takes it: not lost, it comes to the next tab', async () => {
    const alice = await world.user('alice');
    const first = await browser.open('taking');
    await login(first, 'dave');
    await isKnownToConfirm('dave', alice);
    await first.call('hold');
    const id = await alice.say(world.proxied('dave'), 'Half taken');
    await first.call('shows', 'Half taken');
    await first.crash();
    const second = await browser.open('taking');
    await second.login(account('dave'));
    await second.call('shows', 'Half taken');
    await alice.delivered(id);
    expect(await bodies(second)).toEqual(['Half taken']);
    await second.page.close();
  });

  test('two tabs find the same message in their store: delivered once, and a later tab knows', async () => {
    const bob = await world.user('bob');
    const first = await browser.open('two');
    await first.call('prepare', account('alice'));
    const id = await first.call('send', world.proxied('bob'), 'From either');
    await until(async () => (await first.call('kept')).includes(id));
    await first.crash();
    const tabs = await Promise.all([browser.open('two'), browser.open('two')]);
    await Promise.all(tabs.map((tab) => tab.call('prepare', account('alice'))));
    await Promise.all(tabs.map((tab) => tab.call('login')));
    // The receipt goes to one of them; others learn of it when they ask, as a new one does.
    await Promise.any(tabs.map((tab) => tab.call('reaches', id, 'delivered')));
    const later = await browser.open('two');
    await later.login(account('alice'));
    await later.call('reaches', id, 'delivered');
    expect(bob.bodies()).toEqual(['From either']);
    for (const tab of [...tabs, later]) await tab.page.close();
  });

  test('a frozen tab: what came meanwhile, and its copies, are shown once when it thaws', async () => {
    const alice = await world.user('alice');
    const tab = await browser.open('frozen');
    await login(tab, 'carol');
    await isKnownToConfirm('carol', alice);
    const thaw = await tab.freeze();
    const id = await alice.say(world.proxied('carol'), 'Wake up');
    // How often it was sent is told only to who may see that she is there.
    const { counts } = world.proxy.metrics;
    const before = counts.redelivered;
    await until(() => counts.redelivered > before, { what: 'a copy' });
    expect(alice.count((el) => el.getChild('received')?.attrs.id === id && /@/.test(el.attrs.from ?? ''))).toBe(0);
    await thaw();
    await alice.delivered(id);
    await alice.delivered(await alice.say(world.proxied('carol'), 'The end'));
    expect(await bodies(tab)).toEqual(['Hello', 'Wake up', 'The end']);
    await tab.page.close();
  });

  test('an entry that makes no sense is told and left out; the others count', async () => {
    const bob = await world.user('bob');
    const first = await browser.open('spoilt');
    await first.call('prepare', account('alice'));
    const id = await first.call('send', world.proxied('bob'), 'Sound');
    await until(async () => (await first.call('kept')).includes(id));
    await first.call('keep', 'out/spoilt', { id: 'spoilt', state: 'sent' });
    await first.crash();
    const second = await browser.open('spoilt');
    await second.login(account('alice'));
    await second.call('reaches', id, 'delivered');
    expect(await second.read('problems')).toMatchObject([
      { what: 'entry', text: expect.stringContaining('out/spoilt') },
    ]);
    expect(bob.bodies()).toEqual(['Sound']);
    await until(async () => !(await second.call('kept')).includes('spoilt'));
    await second.page.close();
  });

  const PRIVATE: [string, () => void][] = [
    ['has no IndexedDB', () => Reflect.deleteProperty(globalThis, 'indexedDB')],
    [
      'refuses its IndexedDB',
      () => {
        Object.defineProperty(globalThis, 'indexedDB', {
          value: {
            open: () => {
              throw new Error('The operation is insecure.');
            },
          },
        });
      },
    ],
  ];
  test.each(PRIVATE)('a private window that %s: from memory, with one problem told', async (what, before) => {
    const bob = await world.user('bob');
    const tab = await browser.open('private', before);
    await tab.login(account('alice'));
    const id = await tab.call('send', world.proxied('bob'), what);
    await tab.call('reaches', id, 'delivered');
    await bob.say(world.proxied('alice'), `Answer: ${what}`, { id: what });
    await bob.delivered(what);
    expect(await bodies(tab)).toEqual([`Answer: ${what}`]);
    expect(await tab.read('problems')).toEqual([{ what: 'store', text: expect.stringMatching(/IndexedDB|insecure/i) }]);
    await tab.page.close();
  });
});
