import { en, type Word, type Words } from './en.ts';
import { zh } from './zh.ts';

/** By the tag that a browser asks for (RFC 5646). */
export const LANGUAGES: Readonly<Record<Language, Words>> = { en, zh };
export type Language = 'en' | 'zh';

export function isLanguage(text: string | undefined): text is Language {
  return text === 'en' || text === 'zh';
}

/** The first language of an Accept-Language header (RFC 9110 section 12.5.4) that there is. */
export function preferred(header: string | undefined): Language {
  const wanted = (header ?? '')
    .split(',')
    .map((one) => {
      const [tag = '', ...parameters] = one
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const q = parameters.find((parameter) => parameter.startsWith('q='));
      return { language: tag.split('-', 1)[0], weight: q === undefined ? 1 : Number(q.slice(2)) || 0 };
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight);
  return wanted.map(({ language }) => language).find(isLanguage) ?? 'en';
}

export type Translate = (word: Word, values?: Readonly<Record<string, string | number>>) => string;

export function translator(language: Language): Translate {
  const words = LANGUAGES[language];
  return (word, values = {}) => words[word].replace(/\{(\w+)\}/g, (whole, name: string) => `${values[name] ?? whole}`);
}

/** A word that is made of a fixed part and one that comes from elsewhere; undefined where there is none. */
export function isWord(text: string): text is Word {
  return Object.hasOwn(en, text);
}
