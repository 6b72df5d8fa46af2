import { readFlags } from '../tools/flags.ts';
import { chat } from './chat.ts';
import type { Page } from './page/page.ts';
import { Stage } from './stage.ts';
import { Story } from './story.ts';
import { Terminal } from './terminal.ts';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const flags = readFlags('npm run demo --', 'real clients on a real server, in the terminal and on a page', {
  once: { type: 'boolean', default: false, about: 'ends by itself, without the page' },
  page: { type: 'boolean', default: false, about: 'the page, without the story' },
  open: { type: 'boolean', default: false, about: 'opens the page in the browser' },
  subdomain: { type: 'boolean', default: false, about: 'they write to the component, without a plugin in the server' },
});
const { once, subdomain } = flags;
const stage = new Stage({ transparent: !subdomain });
const terminal = new Terminal({ paced: !once });
/** While it starts and when it runs. */
let page: Promise<Page> | undefined;
let told = false;
let ending = false;

async function end(code: number): Promise<void> {
  // The second time, in haste: what was started ends with this process all the same.
  if (ending) process.exit(code);
  ending = true;
  await Promise.allSettled([stage.close(), page?.then((opened) => opened.close())]);
  process.exit(code);
}

/** Serves the page, to play with while the story is told here. */
async function servePage(): Promise<string | undefined> {
  try {
    // Not for who wants none: the tools that build it take a second to load.
    const { openPage, openInBrowser } = await import('./page/page.ts');
    page = openPage(subdomain ? 'component' : 'own');
    const { url } = await page;
    await terminal.block(['', `To play with, in a browser:  ${url}`]);
    if (flags.open) openInBrowser(url);
    return url;
  } catch (error) {
    if (flags.page) throw error;
    // The story needs no page.
    await terminal.block(['', `There is no page to play with: ${(error as Error).message}`]);
    return undefined;
  }
}

for (const [signal, code] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    if (!ending) process.stderr.write('\nStopping the servers ...\n');
    // The way to end what would go on for ever.
    void end(told ? 0 : code);
  });
}
// Nobody reads along any more.
process.stdout.on('error', () => void end(1));

try {
  const url = once ? undefined : await servePage();
  if (url !== undefined && flags.page) {
    told = true;
    await terminal.block(['Press Ctrl-C to end.']);
    await new Promise(() => {});
  }
  const cast = await new Story(stage, terminal).tell();
  told = true;
  if (!once) {
    await terminal.block([
      '',
      ...(url === undefined ? [] : [`Page:       ${url}`]),
      `Dashboard:  ${stage.url}/queues`,
      'Alice and bob go on talking, so that there is something to watch. Carol has a',
      'new phone: open the queue "undelivered", press Retry, and she gets her message.',
      'Press Ctrl-C to end.',
      '',
    ]);
    await cast.carol.comesBack();
    await chat(stage, terminal, cast);
  }
  await terminal.block(['', `All of it happened as told. The dashboard was at ${stage.url}/queues`]);
  await end(0);
} catch (error) {
  // When it is ended in the middle, what fails then is no failure, and what ends it has not finished.
  if (!ending) {
    const { message } = error as Error;
    const troubles = stage.troubles().filter((line) => !message.includes(line));
    const log = troubles.length === 0 ? '' : `\nThe proxy's log:\n${troubles.map((line) => `  ${line}\n`).join('')}`;
    process.stderr.write(`\nThis did not happen as told: ${message}\n${log}`);
    await end(1);
  }
}
