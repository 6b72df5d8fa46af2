import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, FrameLocator, Page as Tab } from 'playwright-core';
import { opened } from '../process/opened.ts';
import { until } from '../time/until.ts';

const CHROMIUM = '/usr/bin/chromium';
const DEMO = path.resolve(import.meta.dirname, '../../../demo/demo.ts');
const ARTEFACTS = path.resolve(import.meta.dirname, '../../artefacts');

/** Whether there is a browser to try it in. */
export const HAS_CHROMIUM = existsSync(CHROMIUM);

/** ms that anything on the page may take to show. */
const TIMEOUT = 40_000;

/** The demo's page in a real browser, as a visitor sees it: by what has a name and a role. */
export class DemoVisit {
  /** What the browser complained of, but for connections that the test cut. */
  readonly complaints: string[] = [];

  private constructor(
    readonly url: string,
    readonly demo: ChildProcess,
    readonly browser: Browser,
    readonly tab: Tab,
  ) {
    tab.setDefaultTimeout(TIMEOUT);
    tab.on('pageerror', (error) => void this.complaints.push(error.message));
    tab.on('console', (message) => {
      const text = message.text();
      if (message.type() === 'error' && !/WebSocket|Failed to load resource/.test(text)) this.complaints.push(text);
    });
  }

  /** @param settings of the proxy @param locale of the browser @param more arguments of the demo */
  static async open(
    settings: Readonly<Record<string, string>> = {},
    locale = 'en-GB',
    more: readonly string[] = [],
  ): Promise<DemoVisit> {
    const { chromium } = await import('playwright-core');
    const [{ demo, url }, browser] = await Promise.all([
      startDemo(settings, more),
      // In a container there is no sandbox to be had, and the page is our own.
      chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }),
    ]);
    const context = await browser.newContext({ locale, viewport: { width: 1280, height: 840 } });
    const tab = await context.newPage();
    const visit = new DemoVisit(url, demo, browser, tab);
    await tab.goto(url);
    return visit;
  }

  window(name: 'alice' | 'bob'): ChatView {
    return new ChatView(this.tab.frameLocator(`.window[data-name=${name}] iframe`));
  }

  /** Resolves when both are online. */
  async ready(): Promise<void> {
    for (const name of ['alice', 'bob'] as const) await this.window(name).is('online');
  }

  async press(name: string): Promise<void> {
    await this.tab.getByRole('button', { name, exact: true }).click();
  }

  /** Resolves when the line below the buttons says this. */
  async news(text: string | RegExp): Promise<void> {
    await this.tab.getByRole('status').filter({ hasText: text }).waitFor();
  }

  /** Resolves when the number is at least this. */
  async figure(name: string, least: number): Promise<void> {
    const shown = this.tab.locator(`[data-figure=${name}]`);
    await until(async () => Number(await shown.textContent()) >= least, { within: TIMEOUT, what: `${least} ${name}` });
  }

  async shoot(name: string, size: { width: number; height: number }, colorScheme: 'light' | 'dark'): Promise<void> {
    await mkdir(ARTEFACTS, { recursive: true });
    await this.tab.emulateMedia({ colorScheme });
    await this.tab.setViewportSize(size);
    // The charts are drawn again after the next frame.
    await this.tab.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    await this.tab.screenshot({ path: path.join(ARTEFACTS, `demo-${name}.png`), fullPage: true });
  }

  async close(): Promise<void> {
    await this.browser.close();
    const ended = once(this.demo, 'close');
    this.demo.kill('SIGTERM');
    await ended;
  }
}

/** The demo as one starts it, with its page alone; resolves when it has printed the address. */
async function startDemo(
  settings: Readonly<Record<string, string>>,
  more: readonly string[],
): Promise<{ demo: ChildProcess; url: string }> {
  const demo = spawn(process.execPath, ['--import', 'tsx', DEMO, '--page', ...more], {
    env: { ...process.env, NODE_OPTIONS: '', ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  demo.once(
    'close',
    opened('a demo', () => demo.kill('SIGKILL')),
  );
  let output = '';
  for await (const text of demo.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    output += text;
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(output)?.[0];
    if (url !== undefined) {
      demo.stdout.resume();
      return { demo, url };
    }
  }
  throw new Error(`The demo ended without an address:\n${output}`);
}

/** One of the two windows. */
export class ChatView {
  constructor(readonly frame: FrameLocator) {}

  /** Resolves when the window says so of its connection. */
  async is(presence: string): Promise<void> {
    await this.frame.getByRole('status').filter({ hasText: presence }).waitFor();
  }

  async write(text: string): Promise<void> {
    const input = this.frame.getByRole('textbox');
    await input.fill(text);
    await input.press('Enter');
  }

  message(text: string) {
    const body = this.frame.getByText(text, { exact: true });
    return this.frame.getByRole('log').locator('li', { has: body });
  }

  /** Resolves when this text is shown in this state; as `Received` for what came. */
  async shows(text: string, state: string): Promise<void> {
    await this.message(text).getByRole('button', { name: state }).waitFor();
  }

  /** Whether all of this message is in sight, and not scrolled away. */
  async isInSight(text: string): Promise<boolean> {
    const [box, item] = await Promise.all([
      this.frame.getByRole('log').boundingBox(),
      this.message(text).boundingBox(),
    ]);
    // A pixel is lost by rounding.
    return box !== null && item !== null && item.y >= box.y - 1 && item.y + item.height <= box.y + box.height + 1;
  }

  /** By the keyboard. */
  async scrollTo(end: 'Home' | 'End'): Promise<void> {
    await this.frame.getByRole('log').press(end);
  }

  /** It scrolls to its end, and more comes before that is drawn, as in a burst. */
  async growsWhileItScrolls(): Promise<void> {
    await this.frame.getByRole('log').evaluate(`{
      const box = document.querySelector('[role=log]');
      const list = box.querySelector('ol');
      const more = (count) => { for (let i = 0; i < count; i += 1) list.append(list.lastElementChild.cloneNode(true)); };
      more(1);
      box.scrollTop = box.scrollHeight;
      more(10);
    }`);
  }

  /** How often this text is shown. */
  count(text: string): Promise<number> {
    return this.message(text).count();
  }

  /** The texts of all messages, in their order. */
  bodies(): Promise<string[]> {
    return this.frame.locator('.body').allTextContents();
  }

  /** How many are shown in this state. */
  inState(state: string): Promise<number> {
    return this.frame.locator(`[data-state=${state}]`).count();
  }
}
