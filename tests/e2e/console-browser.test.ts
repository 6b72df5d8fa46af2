import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { HAS_CHROMIUM } from '../support/browser/demo-page.ts';
import { ConsoleStage } from '../support/stages/console-stage.ts';

if (!HAS_CHROMIUM) {
  test.skip('the console is tried in Chromium, and there is none at /usr/bin/chromium (apt install chromium)', () => {});
}
const inChromium = HAS_CHROMIUM ? describe : describe.skip;

/** The console and the dashboard in a real browser: what they load, and that their buttons do what they say. */
inChromium('the console in a browser', () => {
  let stage: ConsoleStage;
  let browser: Browser;
  let page: Page;
  /** Requests to elsewhere, and what the browser complained of: what the policy refused, errors of scripts. */
  let foreign: string[] = [];
  let complaints: string[] = [];

  beforeAll(async () => {
    const { chromium } = await import('playwright-core');
    [stage, browser] = await Promise.all([
      ConsoleStage.open({ TRACE_MESSAGES: '24h' }),
      chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] }),
    ]);
    await stage.delivered('Delivered');
    await stage.stored('erin', 'Waiting');
    for (const text of ['No', 'No again']) await stage.failed('dave', text);
    for (let i = 0; i < 2; i += 1) await stage.proxy.history.sample();
  });
  afterAll(async () => {
    await browser?.close();
    await stage?.close();
  });
  beforeEach(async () => {
    foreign = [];
    complaints = [];
    const context = await browser.newContext({ locale: 'en-GB' });
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.on('request', (request) => {
      if (!request.url().startsWith(stage.url) && !request.url().startsWith('data:')) foreign.push(request.url());
    });
    page.on('pageerror', (error) => void complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  });
  afterEach(async () => {
    await page.context().close();
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  });

  const PAGES = ['/now', '/messages?from=alice@example.org', '/people', '/waiting', '/dead-letters'];

  test.each(PAGES)('%s loads nothing from elsewhere, and is for everybody', async (path) => {
    await page.goto(stage.url + path);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      // By the debugger's means: the page's policy is not in its way, and stays as it is.
      const { violations } = (await page.evaluate(`${axe.source}; axe.run()`)) as {
        violations: { id: string; nodes: { html: string }[] }[];
      };
      expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    // A chart takes its new width when its observer is told, which is after the size has changed.
    await page.waitForFunction('document.documentElement.scrollWidth === document.documentElement.clientWidth');
  });

  test('the Bull dashboard loads nothing from elsewhere', async () => {
    for (const path of ['/queues', '/queues/queue/undelivered?status=failed']) {
      await page.goto(stage.url + path, { waitUntil: 'networkidle' });
      await page.getByText('undelivered').first().waitFor();
    }
  });

  test('the first page draws curves, and keeps itself fresh', async () => {
    await page.goto(`${stage.url}/now`);
    await page.locator('.chart canvas').first().waitFor();
    expect(await page.locator('.chart canvas').count()).toBe(5);
    const accepted = page.locator('.tile', { hasText: 'Accepted' }).locator('dd');
    const before = Number(await accepted.textContent());
    await stage.stored('erin', 'One more');
    await page
      .locator('.tile', { hasText: 'Accepted' })
      .filter({ hasText: `${before + 1}` })
      .waitFor();
    await page.locator('.chart canvas').first().waitFor();
  });

  test('a message is found, and its life told in the other language as well', async () => {
    await page.goto(`${stage.url}/messages`);
    await page.getByLabel('Recipient').fill('bob@example.org');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.locator('a.id').first().click();
    await page.getByText('Accepted and stored').waitFor();
    await page.getByText('bob@example.org/desk').first().waitFor();
    await page.getByRole('link', { name: '中文' }).click();
    await page.getByText('已接收并存储').waitFor();
  });

  test('a dead letter is sent again by a button, and what cannot be undone is asked for', async () => {
    await page.goto(`${stage.url}/dead-letters?of=dave@example.org`);
    expect(await page.getByRole('checkbox').count()).toBe(3);
    const dave = stage.openfire.user('dave', 'desk');
    await page.getByRole('checkbox').nth(1).check();
    await page.getByRole('button', { name: 'Send again', exact: true }).click();
    await page.getByRole('status').filter({ hasText: '1 sent again.' }).waitFor();
    await page.getByRole('checkbox', { name: 'Choose all' }).check();
    page.once('dialog', (dialog) => void dialog.dismiss());
    await page.getByRole('button', { name: 'Give up' }).click();
    expect(await stage.deadLetters()).toHaveLength(1);
    page.once('dialog', (dialog) => void dialog.accept());
    await page.getByRole('button', { name: 'Give up' }).click();
    await page.getByRole('status').filter({ hasText: '1 given up.' }).waitFor();
    expect(await stage.deadLetters()).toEqual([]);
    dave.offline();
  });
});
