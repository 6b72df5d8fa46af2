import { setTimeout as sleep } from 'node:timers/promises';
import type { Person } from './person.ts';
import type { Stage } from './stage.ts';
import type { Cast } from './story.ts';
import type { Speaker, Terminal } from './terminal.ts';

const LINES = [
  'The soup is good today.',
  'I will have the soup, then.',
  'Shall we order?',
  'Two more minutes.',
  'Did you bring the papers?',
  'They are in my bag.',
  'Look, it is raining.',
  'I have an umbrella.',
] as const;

/** Between two messages, ms. */
const PAUSE = 4000;
/** Of so many messages one, of alice's, is lost at first. */
const LOSSES = 6;
/** How long bob is away then: longer than the first retry, so that the next one shows in the dashboard. */
const ABSENCE = 6000;

/** Alice and bob go on talking, and bob loses his network now and then. Never resolves. */
export async function chat(stage: Stage, terminal: Terminal, { alice, bob, carol }: Cast): Promise<never> {
  void sendAfterAll(terminal, carol);
  for (let i = 0; ; i += 1) {
    const text = LINES[i % LINES.length] as string;
    const [from, to, who]: [Person, Person, Speaker] = i % 2 === 0 ? [alice, bob, 'alice'] : [bob, alice, 'bob'];
    const id = `talk-${i + 1}`;
    await sleep(PAUSE);
    try {
      if (i % LOSSES === 4) await lose(stage, terminal, alice, bob, text, id);
      else await exchange(terminal, from, to, who, text, id);
    } catch (error) {
      // The machine may have slept; a story that runs all day goes on.
      await terminal.line('proxy', (error as Error).message.split('\n')[0] as string, { mark: 'failed' });
      await bob.comesBack();
    }
  }
}

async function exchange(terminal: Terminal, from: Person, to: Person, who: Speaker, text: string, id: string) {
  const before = Date.now();
  await from.say(to, text, id);
  await to.hears(text);
  const { at } = await from.delivered(id);
  await terminal.line(who, `“${text}” Delivered in ${at - before} ms.`, { mark: 'delivered', at });
}

async function lose(stage: Stage, terminal: Terminal, alice: Person, bob: Person, text: string, id: string) {
  bob.losesNetwork();
  await terminal.line('bob', 'Loses his network.', { mark: 'failed' });
  const before = Date.now();
  await alice.say(bob, text, id);
  const { at } = await alice.acknowledged(id);
  await terminal.line('alice', `“${text}” Acknowledged.`, { mark: 'stored', at });
  await sleep(ABSENCE);
  if (stage.redeliveries(id).length > 0) {
    await terminal.line('proxy', 'Has sent it again; its next attempt is in “redelivery”.', {
      mark: 'again',
    });
  }
  await bob.comesBack();
  await terminal.line('bob', 'Is back online.');
  await bob.hears(text);
  const receipt = await alice.delivered(id);
  const seconds = ((receipt.at - before) / 1000).toFixed(1);
  await terminal.line('alice', `“${text}” Delivered after ${seconds} s.`, { mark: 'delivered', at: receipt.at });
}

/** The dead letter waits for an operator's Retry. */
async function sendAfterAll(terminal: Terminal, carol: Person): Promise<void> {
  const heard = await carol.hearsAnything();
  await terminal.line('carol', `Gets “${heard}”: an operator pressed Retry.`, { mark: 'delivered' });
}
