import { setTimeout as delay } from 'node:timers/promises';
import xml from '@xmpp/xml';
import type { GateComponent } from '../tests/support/gate/gate-component.ts';
import type { OpenfireGate } from '../tests/support/gate/openfire-gate.ts';
import type { RawClient } from '../tests/support/gate/raw-client.ts';

const MESSAGES = 5_000;
/** Messages under way at once: fewer than the gate holds of one sender. */
const WINDOW = 200;
const PACED = { messages: 300, pause: 10 };

let sent = 0;

/** Resolves with us of CPU time that the plugin itself has taken; NaN when it does not say. */
export async function pluginCpu(component: GateComponent | undefined): Promise<number> {
  const answer = await component?.command(xml('counts'));
  return Number(answer?.getChild('gate')?.getChild('counts')?.attrs.cpu ?? Number.NaN);
}

/** Resolves with ms from the first to the last of so many messages. */
async function burst(alice: RawClient, bob: RawClient, to: string): Promise<number> {
  let here = 0;
  let there = 0;
  let done: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const more = () => {
    let text = '';
    while (here < MESSAGES && here - there < WINDOW) {
      here += 1;
      sent += 1;
      text += `<message to="${to}" type="chat" id="b${sent}"><body>Message ${sent}</body></message>`;
    }
    if (text !== '') alice.write(text);
  };
  bob.listen(({ name }) => {
    if (name !== 'message' || there >= MESSAGES) return;
    there += 1;
    if (there === MESSAGES) done();
    else if (here - there < WINDOW / 2) more();
  });
  const began = performance.now();
  more();
  await all;
  return performance.now() - began;
}

/** Resolves with the median of ms that a message took, at a hundred a second. */
async function paced(alice: RawClient, bob: RawClient, to: string): Promise<number> {
  const times: number[] = [];
  let began = 0;
  bob.listen(({ name, attrs }) => {
    if (name === 'message' && attrs.id?.startsWith('p')) times.push(performance.now() - began);
  });
  for (let i = 0; i < PACED.messages; i += 1) {
    began = performance.now();
    alice.write(`<message to="${to}" type="chat" id="p${i}"><body>Message ${i}</body></message>`);
    await delay(PACED.pause);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

/** One request for all that has come in a turn, as the product does. */
function storeInBatches(component: GateComponent): void {
  const numbers: string[] = [];
  const say = () => {
    const verdicts = numbers.splice(0).map((n) => xml('stored', { n }));
    component.link.write(component.request(component.token, ...verdicts).toString());
  };
  component.verdict = (_message, n) => {
    if (numbers.push(n) === 1) setImmediate(say);
    return undefined;
  };
}

/**
 * The plugin without the product: this process stands in for it, and for both clients, so that the ratio is lower than a server
 * of its own would show.
 */
export async function gateAlone(stage: OpenfireGate): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    for (const held of [false, true]) {
      const alice = await stage.raw('alice', 'bench');
      const bob = await stage.raw('bob', 'bench');
      const component: GateComponent | undefined = held ? await stage.hold() : undefined;
      if (component !== undefined) storeInBatches(component);
      const before = await pluginCpu(component);
      const rate = MESSAGES / ((await burst(alice, bob, bob.jid)) / 1000);
      const own = ((await pluginCpu(component)) - before) / MESSAGES;
      const median = await paced(alice, bob, bob.jid);
      const plugin = Number.isNaN(own) ? '' : `, the plugin itself ${own.toFixed(1)} us a message`;
      console.log(
        `${held ? 'held  ' : 'unheld'}  ${rate.toFixed(0)} messages/s, median ${median.toFixed(2)} ms${plugin}`,
      );
      await component?.forgetAll();
      await stage.empty();
    }
  }
}
