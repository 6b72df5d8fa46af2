import { FlowProducer, type Job, Queue, UnrecoverableError, Worker } from 'bullmq';
import type { Browser, Page } from 'playwright-core';
import { type HttpServer, startHttp } from '../../src/http/server.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { HAS_CHROMIUM } from '../support/browser/demo-page.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { until } from '../support/time/until.ts';

if (!HAS_CHROMIUM) {
  test.skip('the dashboard is tried in Chromium, and there is none at /usr/bin/chromium (apt install chromium)', () => {});
}
const BETWEEN = { from: 'alice@example.org', to: 'bob@example.org' };
const inChromium = HAS_CHROMIUM ? describe : describe.skip;

/** What bull-board draws of our queues: no button that is refused, and the others work. */
inChromium('the buttons of the Bull dashboard', () => {
  let redis: RedisServer;
  let server: HttpServer;
  let browser: Browser;
  let page: Page;
  let queue: Queue;
  let producer: FlowProducer;
  let connection: { host: string; port: number };
  /** Requests that change something, with the status of the answer. */
  let pressed: [what: string, status: number][];

  beforeAll(async () => {
    const { chromium } = await import('playwright-core');
    [redis, browser] = await Promise.all([
      startRedis(),
      chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] }),
    ]);
    connection = { host: '127.0.0.1', port: Number(new URL(redis.url).port) };
    const options = { connection, prefix: '{receipts}' };
    queue = new Queue('undelivered', options);
    producer = new FlowProducer(options);
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    server = await startHttp({
      config: { host: '127.0.0.1', port: 0, user: 'admin' },
      queues: [queue],
      metrics: new Metrics(),
      readiness: () => ({ ready: true, problems: [] }),
      log,
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await producer?.close();
    await queue?.close();
    await redis?.stop();
  });
  beforeEach(async () => {
    await queue.obliterate({ force: true });
    pressed = [];
    page = await (await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 1600 } })).newPage();
    page.setDefaultTimeout(60_000);
    page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (response.request().method() !== 'GET') {
        pressed.push([pathname.replace(/^.*\/undelivered/, '').replace(/^\/\d+/, '/JOB'), response.status()]);
      }
    });
  });
  afterEach(() => page.context().close());

  /** Jobs in each status; those that are worked on fail or succeed by their name. */
  async function fill(): Promise<void> {
    const worker = new Worker(
      'undelivered',
      async ({ name }: Job) => {
        if (name === 'fails') throw new UnrecoverableError('No confirmation in time');
      },
      { connection: { ...connection, maxRetriesPerRequest: null }, prefix: '{receipts}' },
    );
    try {
      const failed = [await queue.add('fails', BETWEEN), await queue.add('fails', BETWEEN)];
      await queue.add('works', BETWEEN);
      const isDone = async () => {
        const left = await Promise.all(failed.map((job) => job.isFailed()));
        return left.every(Boolean) && (await queue.getCompletedCount()) > 0;
      };
      await until(isDone, { what: 'two failed, and one completed' });
    } finally {
      await worker.close();
    }
    for (const name of ['one', 'other']) await queue.add(name, {}, { delay: 3_600_000 });
    await queue.add('waits', {});
    await queue.add('first', {}, { priority: 1 });
    await producer.add({
      name: 'parent',
      queueName: 'undelivered',
      children: [{ name: 'child', queueName: 'elsewhere' }],
    });
  }

  const show = (path: string) => page.goto(`${server.url}/queues${path}`);

  /** Icon and words of what is seen of a kind, without the frame of the page. */
  const drawn = (selector: string) =>
    page.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})]
      .filter((one) => one.checkVisibility())
      .map((one) => [one.querySelector('.lucide')?.classList.item(1)?.replace('lucide-', ''), one.textContent].filter(Boolean).join(' '))
      .sort()`) as Promise<string[]>;
  const IN_LISTS = 'main li button, [role=dialog] button';

  async function openMenu(nth: number): Promise<string[]> {
    await page.locator('main [aria-haspopup=menu]').nth(nth).click();
    await page.locator('[role=menu][data-open]').first().waitFor();
    return drawn('[role=menu][data-open] > [role=menuitem]');
  }

  test('none is drawn that would be refused', async () => {
    await fill();
    const offered: Record<string, string[]> = {
      failed: ['refresh-cw', 'refresh-cw', 'refresh-cw Retry all', 'trash2', 'trash2', 'trash2 Clean all'],
      delayed: [
        'corner-up-left',
        'corner-up-left',
        'corner-up-left Promote all',
        'trash2',
        'trash2',
        'trash2 Clean all',
      ],
      completed: ['trash2', 'trash2 Clean all'],
      waiting: ['trash2'],
      prioritized: ['trash2'],
      'waiting-children': ['trash2'],
    };
    for (const [status, buttons] of Object.entries(offered)) {
      await show(`/queue/undelivered?status=${status}`);
      await page.locator('main ul[class*=jobActions]').first().waitFor();
      expect([status, await drawn(IN_LISTS)]).toEqual([status, buttons]);
    }
    expect(await openMenu(0)).toEqual(['refresh-cw Retry all 2 failed jobs']);
    const [failed] = await queue.getFailed();
    await show(`/queue/undelivered/${failed?.id}`);
    await page.locator('main ul[class*=jobActions]').first().waitFor();
    expect(await drawn(IN_LISTS)).toEqual(['refresh-cw', 'trash2']);
    await page.getByRole('button', { name: 'Queue info' }).click();
    await page.getByText('Global concurrency').waitFor();
    expect(await drawn('button:has(.lucide-pencil)')).toEqual([]);
    await queue.pause();
    await show('');
    await page.getByText('Paused').first().waitFor();
    expect(await openMenu(0)).toEqual([
      'arrow-up-down Sort by',
      'play Resume all',
      'refresh-cw Retry 2 failed jobs in all queues',
    ]);
    await page.keyboard.press('Escape');
    await page.locator('[role=menu][data-open]').waitFor({ state: 'hidden' });
    expect(await openMenu(1)).toEqual(['play Resume', 'refresh-cw Retry all 2 failed jobs']);
  });

  test('a menu without any says so', async () => {
    await show('/queue/undelivered');
    expect(await openMenu(0)).toEqual([]);
    expect(await page.evaluate(`getComputedStyle(document.querySelector('[role=menu]'), '::after').content`)).toBe(
      '"Nothing to do here"',
    );
  });

  test('those that are drawn do what they say', async () => {
    await fill();
    /** Presses a button and says yes; resolves when that is answered. */
    const press = async (icon: string, words: RegExp | '') => {
      const before = pressed.length;
      const buttons = page
        .locator('main button, [role=menuitem]')
        .filter({ has: page.locator(`.lucide-${icon}`), visible: true });
      await (words === '' ? buttons.filter({ hasNotText: /./ }) : buttons.filter({ hasText: words })).first().click();
      await page.getByRole('alertdialog').getByRole('button', { name: 'Confirm' }).click();
      await until(() => pressed.length > before, { what: `an answer to ${icon} ${words}` });
      await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
    };
    await show('/queue/undelivered?status=failed');
    await press('refresh-cw', '');
    await press('trash-2', '');
    await fill();
    await press('refresh-cw', /Retry all/);
    await fill();
    await press('trash-2', /Clean all/);
    await show('/queue/undelivered?status=delayed');
    await press('corner-up-left', '');
    await press('corner-up-left', /Promote all/);
    await queue.pause();
    await show('');
    await openMenu(1);
    await press('play', /Resume/);
    expect(pressed.map(([what]) => what)).toEqual([
      '/JOB/retry',
      '/JOB/clean',
      '/retry/failed',
      '/clean/failed',
      '/JOB/promote',
      '/promote',
      '/resume',
    ]);
    expect(pressed.filter(([, status]) => status >= 400)).toEqual([]);
  });
});
