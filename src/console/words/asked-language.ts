import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import { isLanguage, type Language, preferred } from './language.ts';

/** The language that was chosen, else the first of the browser's that there is. */
export function languageOf(c: Context): Language {
  const chosen = getCookie(c, 'language');
  return isLanguage(chosen) ? chosen : preferred(c.req.header('accept-language'));
}
