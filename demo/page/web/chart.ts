import uPlot from 'uplot';
import { h } from './dom.ts';
import { inWords, t } from './language.ts';
import type { Word } from './words.ts';

/** Seconds shown. */
const SPAN = 60;
const HEIGHT = 92;

/** One figure: its name, its value now, and how it went in the last minute. */
export class Chart {
  readonly element: HTMLElement;
  readonly #word: Word;
  readonly #least: number;
  readonly #always: boolean;
  readonly #format: (value: number) => string;
  readonly #value = h('output', {});
  readonly #box = h('div', { class: 'plot', role: 'img' });
  readonly #xs: number[] = [];
  readonly #ys: (number | null)[] = [];
  #plot: uPlot | undefined;

  /** @param least the top of the scale, when nothing is higher @param always whether a gap means that nobody knows */
  constructor(word: Word, format: (value: number) => string, least: number, always: boolean) {
    this.#word = word;
    this.#least = least;
    this.#always = always;
    this.#format = format;
    const name = h('h3', {});
    this.element = h('div', { class: 'chart' }, h('p', {}, name, this.#value), this.#box);
    inWords(() => {
      name.textContent = t(word);
      this.#write();
    });
    // Its colours are of the scheme, and its width of the page.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    new ResizeObserver(() => this.#draw()).observe(this.#box);
  }

  /** @param at seconds since the epoch @param value null where there is none, which leaves a gap */
  add(at: number, value: number | null): void {
    this.#xs.push(at);
    this.#ys.push(value);
    while ((this.#xs[0] ?? at) < at - SPAN) {
      this.#xs.shift();
      this.#ys.shift();
    }
    this.#plot?.setData([this.#xs, this.#ys]);
    this.#write();
  }

  #write(): void {
    const last = this.#always ? this.#ys.at(-1) : this.#ys.findLast((value) => value !== null);
    const value = last === undefined || last === null ? t('none') : this.#format(last);
    this.#value.textContent = value;
    this.#box.setAttribute('aria-label', t('chartOf', { name: t(this.#word), value }));
  }

  #draw(): void {
    const width = this.#box.clientWidth;
    if (width === 0) return;
    this.#plot?.destroy();
    const style = getComputedStyle(this.#box);
    const [line, fill, text, grid] = ['--line', '--fill', '--muted', '--edge'].map((name) =>
      style.getPropertyValue(name).trim(),
    ) as [string, string, string, string];
    const axis = { stroke: text, font: '11px system-ui', ticks: { show: false }, grid: { stroke: grid, width: 1 } };
    this.#plot = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        padding: [6, 4, 6, 0],
        scales: {
          x: { time: false, range: (_, __, max) => [(max ?? 0) - SPAN, max ?? SPAN] },
          y: { range: (_, __, max) => [0, Math.max(this.#least, (max ?? 0) * 1.15)] },
        },
        axes: [
          { show: false },
          { ...axis, size: 52, space: 26, values: (_, splits) => splits.map((value) => this.#format(value)) },
        ],
        series: [
          {},
          {
            stroke: line,
            fill,
            width: 2,
            points: { show: !this.#always, size: 4, fill: line },
            spanGaps: !this.#always,
          },
        ],
      },
      [this.#xs, this.#ys],
      this.#box,
    );
  }
}
