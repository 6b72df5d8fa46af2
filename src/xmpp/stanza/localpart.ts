import { saslprep } from '@mongodb-js/saslprep';

const PLAIN = /^[!-~]+$/;
// RFC 7622 section 3.3.1: not allowed in a localpart.
const EXCLUDED = /["&'/:<>@]/;
// RFC 8264 section 9: of no use in a name, in every profile; and nothing, to whoever looks at it.
const INVISIBLE = /[\p{Z}\p{Cc}\p{Cs}\p{Co}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}]/u;

/** Folds what every profile of every server folds. */
export function foldAscii(text: string): string {
  return PLAIN.test(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/**
 * Whether a localpart may stand in an address. What is compatible to another character (RFC 8264 section 9.17) may not:
 * U+1D2E `ᴮob` is `bob` to whoever folds it, and RFC 7622 allows no such name. Symbols may, which RFC 7622 does not
 * allow either and servers with Nodeprep do (RFC 6122): nothing folds to them, so they are nobody else's name. So may
 * what this Unicode does not know.
 */
export function isLocalpart(local: string): boolean {
  if (PLAIN.test(local)) return !EXCLUDED.test(local);
  if (local === '' || EXCLUDED.test(local) || INVISIBLE.test(local)) return false;
  return Array.from(local).every((character) => character.normalize('NFKC') === character);
}

/** Whether Unicode 3.2 had it. SASLprep refuses what it had not; it is asked of characters that it does not change. */
function isOld(character: string): boolean {
  try {
    return saslprep(character) === character;
  } catch {
    return false;
  }
}

function foldOld(character: string): string {
  const folded = character.toLowerCase();
  return folded !== character && isOld(character) && isOld(folded) ? folded : character;
}

/**
 * A localpart as a human wrote it, in the form that the server has of it: lower case, composed (RFC 8265 section 3.3). Only
 * letters that Unicode 3.2 knew are folded, since Nodeprep goes by that one: a server may have two accounts whose names
 * differ in the case of later ones, such as Georgian.
 */
export function prepareLocalpart(local: string): string {
  if (PLAIN.test(local)) return local.toLowerCase();
  return Array.from(local.normalize('NFC'), foldOld).join('').normalize('NFC');
}

// XEP-0106 section 3.2: what an escaped character begins with, and what it stands for.
const ESCAPED = /\\(20|22|26|27|2f|3a|3c|3e|40|5c)/g;

/** XEP-0106 section 4.2: a bare JID as a localpart. Of what is escaped, a bare JID has only these. */
export function escapeJid(bare: string): string {
  return bare.replace(ESCAPED, '\\5c$1').replace('@', '\\40');
}

/** The bare JID that a localpart stands for, if it stands for one. */
export function unescapeJid(local: string): { readonly local: string; readonly domain: string } | undefined {
  const bare = local.replace(ESCAPED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  const at = bare.lastIndexOf('@');
  return at === -1 ? undefined : { local: bare.slice(0, at), domain: bare.slice(at + 1) };
}
