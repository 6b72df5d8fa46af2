import type { Random } from './random.ts';

const PHRASES = [
  'Grüße aus Köln, ça va ?',
  '你好，世界。今天下午三点开会',
  '🙂 👩‍👩‍👧 🏳️‍🌈 done',
  'a < b && c > "d" \'e\' &amp;',
  'Ελληνικά, русский, עברית, العربية',
  'é\u0301 ﬁ 𝒳 ½ \u{1F468}\u200D\u{1F4BB}',
  'two\nlines\tand a tab',
  'plain',
] as const;

/** What people write: of one line up to some KiB, in letters of one to four bytes. */
export function text(n: number, random: Random): string {
  const words = Array.from({ length: random.pick([1, 1, 2, 3, 60]) }, () => random.pick(PHRASES));
  return `${n}: ${words.join(' ')}`;
}
