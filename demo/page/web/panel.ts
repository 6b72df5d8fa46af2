import { Chart } from './chart.ts';
import { find, h } from './dom.ts';
import { inWords, t } from './language.ts';
import type { Figures, Health } from './server.ts';
import type { Word } from './words.ts';

const QUEUES = ['redelivery', 'expiry', 'undelivered'] as const;
const COUNTED = ['accepted', 'delivered', 'redelivered', 'duplicates', 'failedCount', 'unheld'] as const;
type Counted = (typeof COUNTED)[number];
type Timing = Figures['stored'];

/** The figures of the proxy, which count from its start, over all its starts. */
export class Panel {
  readonly #pending = new Chart('pending', (value) => (Number.isInteger(value) ? String(value) : ''), 4, true);
  readonly #stored = new Chart('timeToStored', duration, 0.01, false);
  readonly #delivered = new Chart('timeToDelivered', duration, 0.1, false);
  readonly #queues = numbers('#queues', QUEUES);
  readonly #counted = numbers('#counted', COUNTED);
  readonly #before = new Map<Counted, number>();
  #health: Health = { proxy: true, redis: true, network: 'open' };
  #last: Figures | undefined;

  constructor() {
    find('#charts').replaceChildren(this.#pending.element, this.#stored.element, this.#delivered.element);
    inWords(() => this.#writeHealth());
  }

  stand(health: Health): void {
    this.#health = health;
    this.#writeHealth();
  }

  /** @param figures null while the proxy does not answer */
  show(figures: Figures | null): void {
    const at = Date.now() / 1000;
    this.#pending.add(at, figures?.pending ?? null);
    this.#stored.add(at, figures === null ? null : mean(this.#last?.stored, figures.stored));
    this.#delivered.add(at, figures === null ? null : mean(this.#last?.delivered, figures.delivered));
    for (const name of QUEUES) this.#queues(name, figures?.queues?.[name] ?? null);
    if (figures === null) return;
    const [last, now] = [this.#last, countedOf(figures)];
    // Another process, which began at 0.
    const begun = last !== undefined && countedOf(last).accepted > now.accepted;
    for (const name of COUNTED) {
      if (begun) this.#before.set(name, (this.#before.get(name) ?? 0) + countedOf(last)[name]);
      this.#counted(name, now[name] + (this.#before.get(name) ?? 0));
    }
    this.#last = figures;
  }

  #writeHealth(): void {
    const { proxy, redis, network } = this.#health;
    const line: Record<Health['network'], Word> = { open: 'open', frozen: 'frozen', cut: 'cutState' };
    const rows: readonly (readonly [Word, Word, boolean])[] = [
      ['proxy', proxy ? 'up' : 'down', proxy],
      ['redis', redis ? 'up' : 'down', redis],
      ['network', line[network], network === 'open'],
    ];
    const items = rows.map(([name, state, well]) =>
      h('li', { 'data-well': String(well), 'data-of': name }, h('span', {}, t(name)), ' ', h('strong', {}, t(state))),
    );
    find('#health').replaceChildren(...items);
  }
}

function countedOf({ counted }: Figures): Record<Counted, number> {
  const { accepted, delivered, redelivered, duplicates, expired, unconfirmed, rejected, gate_unheld } = counted;
  return {
    accepted,
    delivered,
    redelivered,
    duplicates,
    failedCount: expired + unconfirmed + rejected,
    unheld: gate_unheld,
  };
}

/** The mean of what was measured between two looks, seconds; null if there was nothing. */
function mean(last: Timing | undefined, now: Timing): number | null {
  const since = last === undefined || last.count > now.count ? { sum: 0, count: 0 } : last;
  const count = now.count - since.count;
  return count === 0 ? null : (now.sum - since.sum) / count;
}

function duration(seconds: number): string {
  if (seconds === 0) return '0';
  return seconds < 1 ? `${Number((seconds * 1000).toPrecision(2))} ms` : `${Number(seconds.toPrecision(2))} s`;
}

/** A list of numbers with names; what it returns sets one. */
function numbers<N extends Word>(selector: string, names: readonly N[]): (name: N, value: number | null) => void {
  const values = new Map<N, HTMLElement>();
  const rows = names.map((name) => {
    const value = h('dd', { 'data-figure': name }, t('none'));
    values.set(name, value);
    return h('div', {}, h('dt', { 'data-words': name }), value);
  });
  find(selector).replaceChildren(...rows);
  return (name, value) => {
    const element = values.get(name);
    if (element !== undefined) element.textContent = value === null ? t('none') : String(value);
  };
}
