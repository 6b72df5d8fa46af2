import { NAMES, type Name } from './settings.ts';

/** Nobody else's: whatever looks like one of these is meant for us. */
const OURS = /^(XMPP|RETRY)_/;

/** Prefixes that nobody hits upon by chance, so that they may be misspelt too: `DASHBORD_USER`. */
const DISTINCTIVE = /^\w{7,}_$/;

/** What Kubernetes and Docker set for a service that happens to be called "redis" or "xmpp". */
const SERVICE_LINK = /_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?|NAME|ENV_\w+)$/;

/** How many letters must be put in, taken out, replaced or swapped with their neighbour to get from one to the other. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          at(i - 1, j - 1) + same,
          swapped ? at(i - 2, j - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(a.length, b.length);
}

/** Whether one name has all the words of the other: `XMPP_DOMAIN` and `XMPP_TLS_CA_FILE` are no slips of the finger. */
function sharesWords(a: string, b: string): boolean {
  const [few, many] = [a.split('_'), b.split('_')].sort((x, y) => x.length - y.length) as [string[], string[]];
  return few.length > 1 && few.every((word) => many.includes(word));
}

/**
 * The name that was meant by one that there is not.
 *
 * @param isSet whether a variable of ours has a value; one that has is not what a stranger's similar name was meant for
 * @returns undefined when it is likely somebody else's: `HTTP_PROXY`, `REDIS_PORT`
 */
export function suggestFor(name: string, isSet: (name: Name) => boolean): Name | undefined {
  if ((NAMES as string[]).includes(name) || SERVICE_LINK.test(name)) return undefined;
  const spelt = name.toUpperCase();
  const near = NAMES.map((known) => ({ known, off: distance(spelt, known) })).sort((a, b) => a.off - b.off);
  // Three letters from HTTP_PROXY to HTTP_PORT, and from REDIS_PORT to REDIS_URL: only our own names get so much leeway.
  const slip = near.find(({ known, off }) => {
    if (OURS.test(known)) return off <= 3;
    const prefix = known.slice(0, known.indexOf('_') + 1);
    // Of one word there are too many like it: HOME is no misspelt MODE.
    if (prefix === '') return false;
    return off <= 2 && (spelt.startsWith(prefix) || DISTINCTIVE.test(prefix)) && !isSet(known);
  });
  if (slip !== undefined) return slip.known;
  if (!OURS.test(spelt)) return undefined;
  return near.find(({ known }) => sharesWords(spelt, known) && !isSet(known))?.known;
}

/** What other programs call the same. */
const ALIASES: Readonly<Record<string, Name>> = {
  XMPP_HOST: 'XMPP_SERVICE',
  XMPP_PORT: 'XMPP_SERVICE',
  XMPP_SERVER: 'XMPP_SERVICE',
  XMPP_URL: 'XMPP_SERVICE',
  XMPP_PASSWORD: 'XMPP_COMPONENT_SECRET',
  XMPP_COMPONENT_PASSWORD: 'XMPP_COMPONENT_SECRET',
  COMPONENT_DOMAIN: 'XMPP_COMPONENT_DOMAIN',
  COMPONENT_SECRET: 'XMPP_COMPONENT_SECRET',
  REDIS_HOST: 'REDIS_URL',
  REDIS_PORT: 'REDIS_URL',
  REDIS_PASSWORD: 'REDIS_URL',
  REDIS_DB: 'REDIS_URL',
  HOST: 'HTTP_HOST',
  PORT: 'HTTP_PORT',
};

/** The name that was meant by one in `.env`, where nothing but ours is to be expected; undefined when none is like it. */
export function suggestInFile(name: string): Name | undefined {
  if ((NAMES as string[]).includes(name)) return undefined;
  const spelt = name.toUpperCase();
  if (Object.hasOwn(ALIASES, spelt)) return ALIASES[spelt];
  const letters = (text: string) => text.replaceAll('_', '');
  const same = NAMES.find((known) => letters(known) === letters(spelt));
  if (same !== undefined) return same;
  const [nearest] = NAMES.map((known) => ({ known, off: distance(spelt, known) })).sort((a, b) => a.off - b.off);
  if (nearest !== undefined && nearest.off <= 2) return nearest.known;
  const begun = NAMES.find((known) => spelt.length >= 8 && (known.startsWith(spelt) || spelt.startsWith(known)));
  if (begun !== undefined) return begun;
  if (nearest !== undefined && nearest.off <= 3 && OURS.test(spelt)) return nearest.known;
  return NAMES.find((known) => sharesWords(spelt, known));
}
