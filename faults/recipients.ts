import { setTimeout as sleep } from 'node:timers/promises';
import xml, { type Element } from '@xmpp/xml';
import type { World } from '../tests/support/stages/world.ts';
import { Connection } from './connection.ts';
import type { Recorder } from './history.ts';
import type { FaultIds } from './nemesis.ts';
import type { Random } from './random.ts';

const NS_RECEIPTS = 'urn:xmpp:receipts';

/** How a recipient's clients confirm; all but `flaps` stay online. */
export const HABITS = ['first copy', 'late', 'each copy', 'two devices', 'never', 'flaps'] as const;
/** `resumes`: its connection is reset again and again, and it takes its session up (XEP-0198); confirms each copy. */
export type Habit = (typeof HABITS)[number] | 'resumes';

/** How one comes and goes: ms for which it is there, and away; and what that may cost. */
const COMINGS = {
  flaps: { there: [1500, 5000], away: [200, 3000], how: ['logout', 'reset'], costs: { losesNews: true } },
  // What the server has for it is kept meanwhile.
  resumes: { there: [500, 6000], away: [100, 6000], how: ['reset'], costs: { lossless: true } },
} as const;
type Coming = (typeof COMINGS)[keyof typeof COMINGS];

/** Somebody who is written to, and takes down what his clients are given. */
export class Recipient {
  readonly #devices: readonly Connection[];
  readonly #confirmed = new Set<string>();
  #leaving: Promise<void> | undefined;
  #closed = false;

  constructor(
    world: World,
    readonly name: string,
    readonly habit: Habit,
    readonly recorder: Recorder,
    readonly random: Random,
    readonly faults: FaultIds,
  ) {
    const resources = habit === 'two devices' ? ['phone', 'desk'] : ['phone'];
    this.#devices = resources.map((resource) => {
      const device: Connection = new Connection(world, name, resource, (stanza, at) => this.#take(device, stanza, at), {
        confirms: habit !== 'never',
        resumes: habit === 'resumes',
      });
      return device;
    });
  }

  async open(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.open()));
  }

  /** From here on one who flaps or resumes goes and comes. */
  start(): void {
    if (this.habit === 'flaps' || this.habit === 'resumes') this.#leaving = this.#flap(COMINGS[this.habit]);
  }

  /** Stays online from here on. */
  async settle(): Promise<void> {
    this.#closed = true;
    await this.#leaving;
    await Promise.all(this.#devices.map((device) => device.online()));
  }

  async close(): Promise<void> {
    await this.settle();
    await Promise.all(this.#devices.map((device) => device.close()));
  }

  #take(device: Connection, stanza: Element, at?: number): void {
    const { id, type } = stanza.attrs;
    const body = stanza.getChildText('body');
    if (stanza.name !== 'message' || type === 'error' || body === null || !this.recorder.knows(id)) return;
    const delayed = stanza.getChild('delay', 'urn:xmpp:delay') !== undefined;
    this.recorder.add({ kind: 'saw', message: id, device: device.jid, body, delayed }, this.recorder.timeOf(at));
    const { habit, random } = this;
    if (habit === 'never') return;
    if (habit === 'late') setTimeout(() => this.#confirm(device, stanza), random.between(300, 3000)).unref();
    else if (habit !== 'first copy' || !this.#confirmed.has(id)) this.#confirm(device, stanza);
  }

  /** XEP-0184 section 5.4. */
  #confirm(device: Connection, { attrs: { id = '', from, type } }: Element): void {
    if (!device.isOnline) return;
    this.#confirmed.add(id);
    this.recorder.add({ kind: 'confirmed', message: id, device: device.jid });
    void device.send(xml('message', { to: from, type, id: `r-${id}` }, xml('received', { xmlns: NS_RECEIPTS, id })));
  }

  async #flap({ there, away, how: ways, costs }: Coming): Promise<void> {
    const [device] = this.#devices as [Connection];
    while (!this.#closed) {
      await sleep(this.random.between(there[0], there[1]));
      const how = this.random.pick<'logout' | 'reset'>(ways);
      const fault = this.faults.next();
      const name = `${this.name}: ${how}${this.habit === 'resumes' ? ', to be resumed' : ''}`;
      this.recorder.add({ kind: 'began', fault, name, user: this.name, ...costs });
      const from = this.recorder.now();
      await device.leave(how, this.random.between(away[0], away[1]));
      const to = this.recorder.now();
      await device.online();
      this.recorder.add({ kind: 'ended', fault, inForce: [from, to] });
    }
  }
}
