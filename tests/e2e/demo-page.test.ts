import axe from 'axe-core';
import { DemoVisit, HAS_CHROMIUM } from '../support/browser/demo-page.ts';
import { until } from '../support/time/until.ts';

// Longer than anything in it may take to show.
if (!HAS_CHROMIUM) {
  test.skip('the demo page is tried in Chromium, and there is none at /usr/bin/chromium (apt install chromium)', () => {});
}
const inChromium = HAS_CHROMIUM ? describe : describe.skip;

inChromium('the demo page, where they write to their own addresses', () => {
  let visit: DemoVisit;
  const alice = () => visit.window('alice');
  const bob = () => visit.window('bob');

  beforeAll(async () => {
    visit = await DemoVisit.open({ RETRY_SCHEDULE: '2s,2s,2s,2s', MESSAGE_TTL: '60s' });
    await visit.ready();
  });
  afterAll(() => visit?.close());
  afterEach(() => expect(visit.complaints).toEqual([]));

  /** Opens what happened to a message, and resolves when it says this. */
  async function lifeOf(text: string, says: string): Promise<void> {
    await alice().message(text).getByRole('button').click();
    await alice().message(text).getByText(says).waitFor();
  }

  test('a message goes from one window to the other, and gets its two ticks; a click tells its life', async () => {
    await alice().write('Lunch at one?');
    await bob().shows('Lunch at one?', 'Received');
    await alice().shows('Lunch at one?', 'Delivered');
    await bob().write('With pleasure.');
    await alice().shows('With pleasure.', 'Received');
    await bob().shows('With pleasure.', 'Delivered');

    const message = alice().message('Lunch at one?');
    const button = message.getByRole('button');
    await button.click();
    expect(await button.getAttribute('aria-expanded')).toBe('true');
    await message.getByText('Accepted: stored in Redis').waitFor();
    await message.getByText('Handed to the XMPP server: 1; attempts: 1').waitFor();
    const life = await message.locator('.event span').allTextContents();
    const steps = ['Queued in this browser', 'Accepted: stored in Redis', 'Receipt came: delivered'];
    expect(life.filter((step) => steps.includes(step))).toEqual(steps);
    expect(life).toContain('Handed to the XMPP server: 1; attempts: 1');
    await visit.figure('delivered', 2);
    // By the keyboard as well.
    await button.press('Enter');
    expect(await button.getAttribute('aria-expanded')).toBe('false');
  });

  test('bob’s network is cut: stored, one tick; it comes back: delivered', async () => {
    await visit.press('Cut Bob’s network');
    await bob().is('connecting …');
    await alice().write('Into the cut');
    await alice().shows('Into the cut', 'Stored');
    expect(await bob().count('Into the cut')).toBe(0);
    // So long that some attempts to connect fail; the session is resumed all the same.
    await visit.tab.waitForTimeout(2500);
    await visit.press('Reconnect Bob’s network');
    await alice().shows('Into the cut', 'Delivered');
    expect(await bob().count('Into the cut')).toBe(1);
    await bob().is('online');
  });

  test('bob is frozen: the server takes him for online; his session gets no copy beside what it waits for', async () => {
    await visit.press('Freeze Bob');
    await visit.tab.getByText('network frozen', { exact: true }).waitFor();
    await alice().write('Into the ice');
    await alice().shows('Into the ice', 'Stored');
    expect(await bob().count('Into the ice')).toBe(0);
    await visit.press('Unfreeze Bob');
    await alice().shows('Into the ice', 'Delivered');
    await alice().write('After the ice');
    await bob().shows('After the ice', 'Received');
    expect(await bob().count('Into the ice')).toBe(1);
  });

  test('bob’s tab is closed: it waits; opened again, it has what was there and what was missed', async () => {
    const before = await bob().bodies();
    await visit.press('Close Bob’s tab');
    await visit.tab.getByText('Bob’s tab is closed', { exact: true }).waitFor();
    await alice().write('Where are you?');
    await alice().shows('Where are you?', 'Stored');
    await visit.press('Open Bob’s tab');
    await bob().shows('Where are you?', 'Received');
    await alice().shows('Where are you?', 'Delivered');
    expect(await bob().bodies()).toEqual([...before, 'Where are you?']);
  });

  test('the next receipt is lost: the server has seen that bob’s client has the message, and alice is told', async () => {
    await visit.press('Lose the next receipt');
    await alice().write('Did you get this?');
    await visit.news('A receipt was lost. The server has seen');
    await bob().shows('Did you get this?', 'Received');
    await alice().shows('Did you get this?', 'Delivered');
    expect(await bob().count('Did you get this?')).toBe(1);
    await visit.tab.getByRole('button', { name: 'Lose the next receipt' }).waitFor();
  });

  test('the same message twice: the second is held back', async () => {
    await alice().write('Only once');
    await alice().shows('Only once', 'Delivered');
    await visit.press('Send the same message twice');
    await visit.news('“Only once” twice');
    await visit.figure('duplicates', 1);
    await alice().write('After it');
    await bob().shows('After it', 'Received');
    expect(await bob().count('Only once')).toBe(1);
  });

  test('the proxy is stopped: chat goes on, unheld; when it is up, messages are stored again', async () => {
    await visit.press('Stop the proxy');
    await visit.news('The proxy was killed. Chat goes on');
    await alice().write('Is anybody there?');
    await bob().shows('Is anybody there?', 'Received');
    await alice().shows('Is anybody there?', 'Delivered');
    await visit.press('Start the proxy');
    await visit.news('The proxy is up again');
    await visit.figure('unheld', 1);
    await alice().write('Stored again');
    await alice().shows('Stored again', 'Delivered');
    await lifeOf('Stored again', 'Accepted: stored in Redis');
    expect(await bob().count('Is anybody there?')).toBe(1);
  });

  test('Redis is stopped: chat goes on, and nothing is acknowledged', async () => {
    await visit.press('Stop Redis');
    await visit.news('Redis was killed. Chat goes on');
    await alice().write('Nothing to write on');
    await bob().shows('Nothing to write on', 'Received');
    await lifeOf('Nothing to write on', 'The ledger does not answer');
    await visit.press('Start Redis');
    await visit.news('Redis is up again');
    expect(await bob().count('Nothing to write on')).toBe(1);
  });

  test('it is legible in both schemes at both widths, and nothing keeps anybody out', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      await visit.shoot(`wide-${scheme}`, { width: 1280, height: 840 }, scheme);
      await visit.shoot(`narrow-${scheme}`, { width: 390, height: 844 }, scheme);
      for (const frame of visit.tab.frames()) {
        // Past the page's policy, which would not let it in.
        await frame.evaluate(axe.source);
        const found = await frame.evaluate('axe.run({ iframes: false })');
        const { violations } = found as { violations: { id: string; nodes: { html: string }[] }[] };
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
      }
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      for (const frame of visit.tab.frames()) expect(await frame.evaluate(overflow)).toBe(0);
    }
  });

  test('all of it at once, and back again: what was stored before arrives, once', async () => {
    await visit.press('Freeze Bob');
    await visit.press('Close Bob’s tab');
    await alice().write('One');
    await alice().shows('One', 'Stored');
    await visit.press('Stop the proxy');
    await visit.news('The proxy was killed');
    await visit.press('Stop Redis');
    await visit.news('Redis was killed');
    await visit.press('Open Bob’s tab');
    await visit.press('Start the proxy');
    await visit.news('The proxy is up again');
    await visit.press('Start Redis');
    await visit.press('Unfreeze Bob');
    await alice().shows('One', 'Delivered');
    expect(await bob().count('One')).toBe(1);
  });

  test('a burst of 200: all delivered, each once, in order', async () => {
    const before = (await bob().bodies()).length;
    await visit.press('A burst of 200');
    const wanted = Array.from({ length: 200 }, (_, i) => `Message ${i + 1} of 200`);
    await until(async () => (await bob().bodies()).length >= before + 200, { within: 60_000, what: 'the burst' });
    expect((await bob().bodies()).slice(before)).toEqual(wanted);
    await alice().shows(wanted[199] as string, 'Delivered');
    await until(async () => (await alice().inState('stored')) === 0, { what: 'the last receipts' });
    expect(await alice().inState('failed')).toBe(0);
    await until(() => bob().isInSight(wanted[199] as string), { what: 'bob’s window, which follows the burst' });
  });

  test('who reads what was before is left alone; at the end the window follows again', async () => {
    const [first] = (await bob().bodies()) as [string];
    await bob().scrollTo('Home');
    await until(() => bob().isInSight(first), { what: 'the first message in sight' });
    await alice().write('Read on');
    await bob().shows('Read on', 'Received');
    expect(await bob().isInSight('Read on')).toBe(false);
    expect(await bob().isInSight(first)).toBe(true);
    await bob().scrollTo('End');
    await until(() => bob().isInSight('Read on'), { what: 'the newest message in sight' });
    await alice().write('Followed');
    await until(() => bob().isInSight('Followed'), { what: 'the window, which follows' });
    await bob().growsWhileItScrolls();
    await alice().write('Followed still');
    await until(() => bob().isInSight('Followed still'), {
      what: 'the window, which follows what comes while it scrolls',
    });
  });
});

inChromium('the demo page, where they write to the component’s addresses', () => {
  let visit: DemoVisit;
  const alice = () => visit.window('alice');
  const bob = () => visit.window('bob');

  beforeAll(async () => {
    visit = await DemoVisit.open({ RETRY_SCHEDULE: '2s,2s,2s,2s', MESSAGE_TTL: '60s' }, 'en-GB', ['--subdomain']);
    await visit.ready();
  });
  afterAll(() => visit?.close());
  afterEach(() => expect(visit.complaints).toEqual([]));

  test('bob is frozen: the server takes him for online; copies that came meanwhile are shown once', async () => {
    await visit.press('Freeze Bob');
    await visit.tab.getByText('network frozen', { exact: true }).waitFor();
    await alice().write('Into the ice');
    await alice().shows('Into the ice', 'Stored');
    await visit.figure('redelivered', 1);
    expect(await bob().count('Into the ice')).toBe(0);
    await visit.press('Unfreeze Bob');
    await alice().shows('Into the ice', 'Delivered');
    await alice().write('After the ice');
    await bob().shows('After the ice', 'Received');
    // Its receipt is back: a receipt still on its way would be the one that the next test loses.
    await alice().shows('After the ice', 'Delivered');
    expect(await bob().count('Into the ice')).toBe(1);
  });

  test('the next receipt is lost: the message is sent again, confirmed again, and shown once', async () => {
    await visit.press('Lose the next receipt');
    await alice().write('Did you get that?');
    await visit.news('A receipt was lost. The proxy sends');
    await bob().shows('Did you get that?', 'Received');
    await alice().shows('Did you get that?', 'Delivered');
    await alice().message('Did you get that?').getByRole('button').click();
    await alice()
      .message('Did you get that?')
      .getByText(/Handed to the XMPP server: [2-9]/)
      .waitFor();
    expect(await bob().count('Did you get that?')).toBe(1);
  });

  test('the proxy is stopped: what is written waits in the window, and goes when it is up', async () => {
    await visit.press('Stop the proxy');
    await visit.news('The proxy was killed');
    await alice().write('Is nobody there?');
    await alice().shows('Is nobody there?', 'Sent');
    expect(await bob().count('Is nobody there?')).toBe(0);
    await visit.press('Start the proxy');
    await alice().shows('Is nobody there?', 'Delivered');
    expect(await bob().count('Is nobody there?')).toBe(1);
  });

  test('Redis is stopped: nothing is acknowledged; started again, it is stored and delivered', async () => {
    await visit.press('Stop Redis');
    await visit.news('Redis was killed');
    await alice().write('Still nothing to write on');
    await alice().shows('Still nothing to write on', 'Sent');
    await alice().message('Still nothing to write on').getByRole('button').click();
    await alice().message('Still nothing to write on').getByText('The ledger does not answer').waitFor();
    await visit.press('Start Redis');
    await alice().shows('Still nothing to write on', 'Delivered');
    expect(await bob().count('Still nothing to write on')).toBe(1);
  });

  test('all of it at once, and back again: what was written meanwhile arrives, each once', async () => {
    const texts = ['One', 'Two', 'Three'];
    await visit.press('Freeze Bob');
    await visit.press('Close Bob’s tab');
    await alice().write('One');
    await alice().shows('One', 'Stored');
    await visit.press('Stop the proxy');
    await visit.news('The proxy was killed');
    await alice().write('Two');
    await visit.press('Stop Redis');
    await visit.news('Redis was killed');
    await alice().write('Three');
    await visit.press('Open Bob’s tab');
    await visit.press('Start the proxy');
    await visit.news('The proxy is up again');
    await visit.press('Start Redis');
    await visit.press('Unfreeze Bob');
    for (const text of texts) await alice().shows(text, 'Delivered');
    expect((await bob().bodies()).filter((body) => texts.includes(body)).sort()).toEqual([...texts].sort());
  });
});

inChromium('the demo page, where messages live for three seconds, in Chinese', () => {
  let visit: DemoVisit;

  beforeAll(async () => {
    visit = await DemoVisit.open({ RETRY_SCHEDULE: '1s,1s', MESSAGE_TTL: '3s' }, 'zh-CN');
    await visit.window('alice').is('在线');
    await visit.window('bob').is('在线');
  });
  afterAll(() => visit?.close());

  test('a message that nobody confirms fails, with the reason; the language can be changed in all three documents', async () => {
    const [alice, bob] = [visit.window('alice'), visit.window('bob')];
    await alice.write('在吗？');
    await alice.shows('在吗？', '已送达');
    await visit.press('冻结 bob');
    await visit.news('bob 已冻结');
    await alice.write('没人回答');
    await alice.shows('没人回答', '失败');
    await alice.message('没人回答').getByText('在期限内没有确认 (No confirmation within 3 seconds)').waitFor();
    await visit.shoot('chinese', { width: 1280, height: 840 }, 'light');

    await visit.press('Switch to English');
    await visit.news('Bob is frozen');
    await alice.shows('没人回答', 'Failed');
    await bob.is('online');
    for (const frame of visit.tab.frames()) expect(await frame.evaluate('document.documentElement.lang')).toBe('en');
    await visit.figure('failedCount', 1);
    // A receipt that comes late is better than none: the failure is taken back.
    await visit.press('Unfreeze Bob');
    await alice.shows('没人回答', 'Delivered');
    expect(await bob.count('没人回答')).toBe(1);
  });

  test('a second tab of it says where it is open', async () => {
    const second = await visit.tab.context().newPage();
    await second.goto(visit.url);
    await second
      .getByText('此演示已在另一个标签页中打开')
      .or(second.getByText('This demo is open in another tab'))
      .waitFor();
    expect(await second.locator('iframe').count()).toBe(0);
    await second.close();
  });

  test('only its own pages can hurt anything', async () => {
    const hurt = (headers: Record<string, string>) => fetch(`${visit.url}api/proxy/stop`, { method: 'POST', headers });
    const token = await visit.tab.locator('meta[name=token]').getAttribute('content');
    expect(token).toMatch(/^[\w-]{32}$/);
    const withToken = { 'x-demo-token': String(token) };
    expect((await hurt({})).status).toBe(403);
    expect((await hurt({ 'x-demo-token': 'x'.repeat(32) })).status).toBe(403);
    expect((await hurt({ ...withToken, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await fetch(`${visit.url}api/person/bob`)).status).toBe(403);
    expect((await fetch(`${visit.url}api/proxy/burn`, { method: 'POST', headers: withToken })).status).toBe(404);
    const health = await fetch(`${visit.url}api/health`, { headers: withToken });
    expect(await health.json()).toMatchObject({ proxy: true, redis: true });
    const policy = health.headers.get('content-security-policy');
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws:/,
    );
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
  });
});
