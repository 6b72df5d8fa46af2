import type { Tracked } from '../../../packages/client/src/index.ts';
import { h } from './dom.ts';
import type { Shown } from './history.ts';
import { clock, t } from './language.ts';
import { type Life, type Name, server } from './server.ts';
import type { Word } from './words.ts';

/** ms between looks at a message that has not ended. */
const LOOK_EVERY = 1000;

/** What the ledger notes of a message in trouble; what is not here is told as it is. */
const EVENTS: Readonly<Record<string, Word>> = {
  claimed: 'eventClaimed',
  'handed-over': 'eventHanded',
  bounced: 'eventBounced',
  'session-ended': 'eventEnded',
};

type Row = readonly [at: number | undefined, text: string];

/** What happened to a message: by the library's word, and by the proxy's ledger. */
export class LifePanel {
  readonly element: HTMLElement;
  readonly #shown: Shown;
  readonly #route: readonly [from: Name, to: Name];
  readonly #rows = h('ol');
  readonly #title = h('h2');
  #life: Life | null | 'no answer' | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(id: string, shown: Shown, route: readonly [from: Name, to: Name]) {
    this.#shown = shown;
    this.#route = route;
    this.element = h('div', { id, class: 'life' }, this.#title, this.#rows);
    this.element.hidden = true;
  }

  /** @returns whether it is open now */
  toggle(): boolean {
    this.element.hidden = !this.element.hidden;
    clearInterval(this.#timer);
    if (this.element.hidden) return false;
    this.write();
    void this.#look();
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY);
    return true;
  }

  write(): void {
    if (this.element.hidden) return;
    this.#title.textContent = t('lifeOf');
    const rows = [...this.#here(), ...this.#there()];
    // What has no time of its own comes last.
    rows.sort(([a = Number.POSITIVE_INFINITY], [b = Number.POSITIVE_INFINITY]) => (a === b ? 0 : a - b));
    this.#rows.replaceChildren(
      ...rows.map(([at, text]) =>
        h('li', { class: 'event' }, h('time', {}, at === undefined ? '' : clock(at)), h('span', {}, text)),
      ),
    );
  }

  /** As this window knows it. */
  #here(): Row[] {
    const { mine, at, shownAt, tracked, copies = 0 } = this.#shown;
    if (!mine) {
      const [name] = this.#route;
      return [
        [at, t('lifeSentAt', { name: t(name) })],
        [shownAt, t('lifeReceived')],
      ];
    }
    const rows: Row[] = [[tracked?.queuedAt ?? at, t('lifeQueued')]];
    if (tracked?.sentAt !== undefined) rows.push([tracked.sentAt, t('lifeSent', { count: tracked.attempts })]);
    if (tracked?.storedAt !== undefined)
      rows.push([tracked.storedAt, t(tracked.storedBy === 'server' ? 'lifePassed' : 'lifeAcknowledged')]);
    if (tracked?.state === 'delivered') rows.push([tracked.endedAt, t('lifeReceipt')]);
    if (tracked?.state === 'failed') rows.push([tracked.endedAt, t('lifeFailed', { reason: reasonOf(tracked) })]);
    if (copies > 0) rows.push([undefined, t('lifeTwice', { count: copies })]);
    return rows;
  }

  /** As the proxy's ledger has it. */
  #there(): Row[] {
    const life = this.#life;
    if (life === undefined) return [];
    if (life === 'no answer') return [[undefined, t('lifeNoAnswer')]];
    if (life === null) return [[undefined, t('lifeUnknown')]];
    const { storedAt, copies, attempts, state, settledAt } = life;
    const rows: Row[] = [
      [storedAt, t('lifeAccepted')],
      ...life.events.map(({ at, what }): Row => [at, eventIn(what)]),
      [undefined, t('lifeHanded', { copies, attempts })],
    ];
    if (state === 'pending') rows.push([undefined, t('lifeWaiting')]);
    else if (!this.#shown.mine && state === 'delivered') rows.push([settledAt ?? undefined, t('lifeReceipt')]);
    return rows;
  }

  async #look(): Promise<void> {
    const [from, to] = this.#route;
    const life = await server.life(from, to, this.#shown.id).catch(() => 'no answer' as const);
    this.#life = life;
    if (life !== null && life !== 'no answer' && life.state !== 'pending') clearInterval(this.#timer);
    this.write();
  }
}

/** Why it failed, in words. */
export function reasonOf({ failure }: Tracked): string {
  if (failure === undefined) return '';
  const detail = failure.text ?? failure.condition;
  return t(failure.reason satisfies Word) + (detail === undefined ? '' : ` (${detail})`);
}

function eventIn(what: string): string {
  const word = EVENTS[what.split(' ')[0] as string];
  return word === undefined ? what : t(word);
}
