import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Word } from '../words/en.ts';
import { isWord, type Language, type Translate, translator } from '../words/language.ts';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

const UNITS = [
  ['days', 86_400],
  ['hours', 3600],
  ['minutes', 60],
  ['seconds', 1],
] as const;

/** What a page needs to say something: in which language, to whom, and when that is. */
export interface Ui {
  readonly language: Language;
  readonly t: Translate;
  /** A word made of a prefix and a fixed value; the value itself where there is no word for it. */
  word(prefix: string, value: string): string;
  /** ISO 8601, to the second, with how long ago that is. */
  time(at: string, ms?: boolean): Html;
  /** A length of time, s, in its largest unit. */
  age(seconds: number): string;
  /** What a form sends along, so that no other site's page can. */
  readonly csrf: Html;
}

export function openUi(language: Language, csrfToken: string, now: number = Date.now()): Ui {
  const t = translator(language);
  const age = (seconds: number) => {
    const [unit, size] = UNITS.find(([, one]) => seconds >= one) ?? (['seconds', 1] as const);
    return t(unit, { n: Math.floor(seconds / size) });
  };
  const relative = (at: string) => {
    const seconds = (now - Date.parse(at)) / 1000;
    if (Math.abs(seconds) < 1) return t('justNow');
    return t(seconds > 0 ? 'ago' : 'in', { age: age(Math.abs(seconds)) });
  };
  return {
    language,
    t,
    age,
    word: (prefix, value) => {
      const name = `${prefix}_${value}`;
      return isWord(name) ? t(name as Word) : value;
    },
    time: (at, ms = false) =>
      Number.isNaN(Date.parse(at))
        ? html`<span class="soft">?</span>`
        : html`<time datetime="${at}" title="${at}"><span class="clock">${clock(at, ms)}</span> <span class="soft">(${relative(at)})</span></time>`,
    csrf: html`<input type="hidden" name="csrf" value="${csrfToken}">`,
  };
}

/** `2026-11-24 13:04:05`, UTC; with the milliseconds if wanted. */
export function clock(at: string, ms = false): string {
  return new Date(at)
    .toISOString()
    .replace('T', ' ')
    .slice(0, ms ? 23 : 19);
}

/** A text with marks in it: `word` with a piece of HTML in the place of `{name}`. */
export function withHtml(text: string, values: Readonly<Record<string, Html | string>>): Html {
  const parts = text.split(/\{(\w+)\}/);
  return html`${parts.map((part, at) => (at % 2 === 0 ? part : (values[part] ?? '')))}`;
}
