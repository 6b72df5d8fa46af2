import { chromiumProgram, TestBrowser } from '../support/browser/browser.ts';
import { BUNDLERS, ClientApplication } from '../support/process/client-application.ts';
import { HAS_WEBSOCKET, World } from '../support/stages/world.ts';

/** The library as an application has it: installed from its tarball, bundled, in a real Chromium with a real server. */
const RUNS = HAS_WEBSOCKET && chromiumProgram !== undefined;
if (!RUNS)
  console.info('Skipped: no chromium here (apt: chromium), or E2E_WEBSOCKET_URL names no ws:// of that server');

(RUNS ? describe : describe.skip)('the library from its tarball, in Chromium', () => {
  let application: ClientApplication;
  let world: World;

  beforeAll(async () => {
    application = await ClientApplication.install();
    world = await World.open({ websocket: true });
    await world.startProxy();
  });
  afterEach(() => world.empty());
  afterAll(async () => {
    await world?.close();
    await application?.remove();
  });

  test.each(BUNDLERS)('a page bundled by %s sends, is told, and receives', async (bundler) => {
    const built = application.bundle(bundler, 'page.ts');
    const browser = await TestBrowser.start({ built });
    try {
      const bob = await world.user('bob');
      const settings = new URLSearchParams({
        service: world.xmpp.websocketUrl as string,
        domain: world.xmpp.domain,
        username: 'alice',
        password: world.xmpp.passwords.get('alice') ?? '',
        contact: world.proxied('bob'),
      });
      const { page } = await browser.open('installed', undefined, `#${settings}`);
      const shown = (text: string | RegExp) => page.getByText(text).waitFor({ timeout: 0 });
      const { from, id } = (await bob.hears('Are you there?')).attrs;
      await shown(`delivered: ${id}`);
      await shown(`stored: ${id}`);
      await shown('refused: bad-request');
      await bob.delivered(await bob.say(from as string, 'I am'));
      await shown('received: I am');
      const paragraphs = await page.locator('p').allTextContents();
      const all = [`sending: ${id}`, `delivered: ${id}`, `stored: ${id}`, 'refused: bad-request', 'received: I am'];
      expect(paragraphs.sort()).toEqual(all.sort());
      expect(bob.bodies()).toEqual(['Are you there?']);
      // Its code is the page's, whose types a test in Node does not have.
      expect(await page.evaluate('indexedDB.databases()')).toEqual([expect.objectContaining({ name: 'alice' })]);
      await page.close();
    } finally {
      await browser.close();
    }
  });
});
