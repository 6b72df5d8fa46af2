// Makes the pictures of the console and of the demo for the docs, from five minutes of real traffic: `npm run screenshots`. Chromium
// must be there, what the demo needs, and a font that has Chinese.
import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { DemoVisit } from '../tests/support/browser/demo-page.ts';
import { ConsoleStage } from '../tests/support/stages/console-stage.ts';
import { until } from '../tests/support/time/until.ts';
import { readFlags } from './flags.ts';

const IMAGES = path.resolve(import.meta.dirname, '../docs/images');
const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } } as const;
/** The Bull dashboard. */
const QUEUES = { queues: '/queues', letters: '/queues/queue/undelivered?status=failed' };
const SCHEMES = ['light', 'dark'] as const;
/** Which pictures are made: those of the docs, or with `--all` each page in each size and scheme, into another folder. */
const { all } = readFlags('npm run screenshots --', 'makes the pictures in docs/images, from real traffic', {
  all: { type: 'boolean', default: false, about: 'each page in each size, scheme and language, into tests/artefacts' },
});
const folder = all ? path.resolve(import.meta.dirname, '../tests/artefacts') : IMAGES;

async function shootConsole(): Promise<void> {
  const stage = await ConsoleStage.open({ TRACE_MESSAGES: '24h', RETRY_SCHEDULE: '5s,2m,10m' });
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const key = await makeTraffic(stage);
    const pages = {
      now: '/now',
      message: `/messages/${key}`,
      ...(all && { messages: '/messages?from=alice@example.org' }),
      people: '/people',
      waiting: '/waiting',
      'dead-letters': '/dead-letters',
    };
    for (const scheme of all ? SCHEMES : (['light'] as const)) {
      for (const [size, viewport] of Object.entries(all ? SIZES : { wide: SIZES.wide })) {
        for (const locale of all ? ['en-GB', 'zh-CN'] : ['en-GB']) {
          const context = await browser.newContext({ colorScheme: scheme, viewport, locale });
          const page = await context.newPage();
          const shown = Object.entries(locale === 'en-GB' ? { ...pages, ...(all && QUEUES) } : pages);
          for (const [name, address] of shown) {
            await page.goto(stage.url + address, { waitUntil: 'networkidle' });
            const file = `console-${name}${all ? `-${size}-${scheme}-${locale.slice(0, 2)}` : ''}.png`;
            await page.screenshot({ path: path.join(folder, file), fullPage: true });
          }
          await context.close();
        }
      }
    }
  } finally {
    await browser.close();
    await stage.close();
  }
}

/** So long that there are curves to be seen, of which the process takes a point every ten seconds. Gives the key of a message with much to tell. */
async function makeTraffic(stage: ConsoleStage): Promise<string> {
  for (let i = 0; i < 30; i += 1) {
    for (let j = 0; j < 1 + ((i * 7) % 5); j += 1) await stage.delivered(`Message ${i}.${j}`);
    await sleep(10_000);
  }
  stage.bob.autoReceipt = false;
  const before = stage.proxy.metrics.counts.handedOver;
  const id = await stage.stored('bob', 'Lunch?');
  await stage.bob.hears('Lunch?');
  // Before that it is not known which of his sessions has had it.
  await until(() => stage.proxy.metrics.counts.handedOver > before, { what: 'the hand-over' });
  stage.bob.cut();
  stage.bob.autoReceipt = true;
  stage.bob.online();
  await stage.alice.delivered(id);
  for (const to of ['carol', 'erin', 'carol']) await stage.stored(to, 'Are you there?');
  for (const text of ['Hello?', 'Still there?']) await stage.failed('dave', text);
  await stage.proxy.history.sample();
  const { messages } = await stage.get<{ messages: { key: string }[] }>(`/api/messages?id=${id}`);
  return messages[0]?.key ?? '';
}

async function shootDemo(): Promise<void> {
  const visit = await DemoVisit.open();
  try {
    await visit.ready();
    await visit.window('alice').write('Lunch at one?');
    await visit.window('alice').shows('Lunch at one?', 'Delivered');
    await visit.window('bob').write('With pleasure.');
    await visit.window('bob').shows('With pleasure.', 'Delivered');
    await visit.tab.getByText('A burst of 200').click();
    // Until the curves show it.
    await visit.tab
      .locator('body')
      .filter({ hasText: /Delivered\s*202/ })
      .waitFor();
    await visit.window('alice').shows('Lunch at one?', 'Delivered');
    for (const scheme of all ? SCHEMES : (['light'] as const)) {
      for (const [size, viewport] of Object.entries(all ? SIZES : { wide: undefined })) {
        await visit.tab.emulateMedia({ colorScheme: scheme });
        if (viewport !== undefined) await visit.tab.setViewportSize(viewport);
        const file = all ? `demo-${size}-${scheme}-en.png` : 'demo.png';
        await visit.tab.screenshot({ path: path.join(folder, file), fullPage: true });
      }
    }
  } finally {
    await visit.close();
  }
}

if (spawnSync('fc-list', [':lang=zh'], { encoding: 'utf8' }).stdout === '') {
  throw new Error('No font here has Chinese, and the pictures show some (apt: fonts-noto-cjk)');
}
await mkdir(folder, { recursive: true });
await shootConsole();
await shootDemo();
process.stdout.write(`The pictures are in ${path.relative(process.cwd(), folder)}/\n`);
