import { type Language, WORDS, type Word } from './words.ts';

const KEY = 'demo:language';
const TAGS = { en: 'en', zh: 'zh-Hans' } as const satisfies Record<Language, string>;

const listeners = new Set<() => void>();
let language: Language = chosen() ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');

/** The words in the language that is chosen now. */
export function t(word: Word, values: Readonly<Record<string, string | number>> = {}): string {
  return WORDS[language][word].replaceAll(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Calls it now, and whenever the language changes. */
export function inWords(write: () => void): void {
  listeners.add(write);
  write();
}

export function switchLanguage(): void {
  set(language === 'en' ? 'zh' : 'en');
  // The windows hear of it by their storage event.
  localStorage.setItem(KEY, language);
}

/** A time of day as people read it here, to the millisecond. */
export function clock(ms: number): string {
  const options = { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 } as const;
  return new Intl.DateTimeFormat(TAGS[language], { ...options, hourCycle: 'h23' }).format(ms);
}

export function shortClock(ms: number): string {
  const options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  return new Intl.DateTimeFormat(TAGS[language], options).format(ms);
}

/** What is written in the page itself. */
export function translatePage(): void {
  inWords(() => {
    document.documentElement.lang = TAGS[language];
    for (const element of document.querySelectorAll<HTMLElement>('[data-words]')) {
      element.textContent = t(element.dataset.words as Word);
    }
  });
}

function set(to: Language): void {
  language = to;
  for (const write of listeners) write();
}

function chosen(): Language | undefined {
  const kept = localStorage.getItem(KEY);
  return kept === 'en' || kept === 'zh' ? kept : undefined;
}

window.addEventListener('storage', ({ key }) => {
  const now = chosen();
  if (key === KEY && now !== undefined && now !== language) set(now);
});
