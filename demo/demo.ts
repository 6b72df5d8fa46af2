import { chat } from './chat.ts';
import { Stage } from './stage.ts';
import { Story } from './story.ts';
import { Terminal } from './terminal.ts';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const unknown = process.argv.slice(2).filter((argument) => argument !== '--once');
if (unknown.length > 0) {
  process.stderr.write(`The demo knows --once (to end by itself), and not ${unknown.join(' ')}\n`);
  process.exit(64);
}
const once = process.argv.includes('--once');
const stage = new Stage();
const terminal = new Terminal({ paced: !once });
let told = false;
let ending = false;

async function end(code: number): Promise<void> {
  // The second time, in haste: what was started ends with this process all the same.
  if (ending) process.exit(code);
  ending = true;
  await stage.close();
  process.exit(code);
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
  const cast = await new Story(stage, terminal).tell();
  told = true;
  if (!once) {
    await terminal.block([
      '',
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
