import { hash } from 'node:crypto';
import type { Element } from '@xmpp/xml';
import { NS } from './namespaces.ts';

/** Capabilities as announced in presence (XEP-0115 section 4). */
export interface Caps {
  readonly node: string;
  readonly ver: string;
  /** The hash function, in IANA's words; undefined in the format from before version 1.4, which proves nothing. */
  readonly hash: string | undefined;
}

/** The capabilities in a presence, if it has any. */
export function capsOf(presence: Element): Caps | undefined {
  const { node, ver, hash: algorithm } = presence.getChild('c', NS.caps)?.attrs ?? {};
  return node && ver ? { node, ver, hash: algorithm || undefined } : undefined;
}

// By IANA's name, ours and the length of its digest in base64. MD5 is left out: collisions are easy to make.
const ALGORITHMS: Readonly<Record<string, readonly [name: string, length: number]>> = {
  'sha-1': ['sha1', 28],
  'sha-224': ['sha224', 40],
  'sha-256': ['sha256', 44],
  'sha-384': ['sha384', 64],
  'sha-512': ['sha512', 88],
  'sha3-256': ['sha3-256', 44],
  'sha3-512': ['sha3-512', 88],
};

/** Whether its `ver` can be the digest that it is said to be, so that an answer can be verified against it. */
export function isVerifiable({ ver, hash: algorithm = '' }: Caps): boolean {
  const known = Object.hasOwn(ALGORITHMS, algorithm) ? ALGORITHMS[algorithm] : undefined;
  return known !== undefined && ver.length === known[1] && /^[A-Za-z0-9+/]+={0,2}$/.test(ver);
}

// XEP-0115 section 5.1 sorts by i;octet (RFC 4790 section 9.3), which is the order of UTF-8 bytes, not of UTF-16 units.
function byOctets(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function joined(parts: readonly string[]): string {
  return [...parts]
    .sort(byOctets)
    .map((part) => `${part}<`)
    .join('');
}

/** Thrown for an ill-formed answer (XEP-0115 section 5.4, rule 3). */
class IllFormed extends Error {}

function distinct(parts: readonly string[], what: string): readonly string[] {
  if (new Set(parts).size < parts.length) throw new IllFormed(`${what} twice`);
  // It ends a part: with one inside, two answers could have the same verification string.
  if (parts.some((part) => part.includes('<'))) throw new IllFormed(`"<" in ${what}`);
  return parts;
}

/** A form's part of the verification string, with its FORM_TYPE; undefined for one that is to be ignored (rule 3.6). */
function formString(form: Element): { readonly type: string; readonly text: string } | undefined {
  const fields = form.getChildren('field', NS.data).map((field) => ({
    name: field.attrs.var ?? '',
    type: field.attrs.type,
    values: field.getChildren('value', NS.data).map((value) => value.getText()),
  }));
  const typed = fields.find(({ name }) => name === 'FORM_TYPE');
  if (typed === undefined || typed.type !== 'hidden') return undefined;
  if (new Set(typed.values).size > 1) throw new IllFormed('A form with several types');
  const type = typed.values[0] ?? '';
  const others = fields.filter((field) => field !== typed);
  distinct(
    [type, ...others.flatMap(({ name, values }) => [name, ...values])].filter((part) => part.includes('<')),
    'a form',
  );
  const text = others
    .sort((a, b) => byOctets(a.name, b.name))
    .map(({ name, values }) => `${name}<${joined(values)}`)
    .join('');
  return { type, text: `${type}<${text}` };
}

/**
 * The string that a disco#info answer's `ver` is the digest of (XEP-0115 section 5.1).
 *
 * @param query the answer's `<query/>`
 * @returns undefined when it is ill-formed (section 5.4)
 */
export function verificationString(query: Element): string | undefined {
  try {
    const identities = query
      .getChildren('identity', NS.discoInfo)
      .map(({ attrs }) =>
        [attrs.category, attrs.type, attrs['xml:lang'], attrs.name].map((part) => part ?? '').join('/'),
      );
    const features = query.getChildren('feature', NS.discoInfo).map(({ attrs }) => attrs.var ?? '');
    const forms = query
      .getChildren('x', NS.data)
      .map(formString)
      .filter((form) => form !== undefined);
    distinct(
      forms.map(({ type }) => type),
      'a form type',
    );
    const sorted = forms.sort((a, b) => byOctets(a.type, b.type)).map(({ text }) => text);
    return joined(distinct(identities, 'an identity')) + joined(distinct(features, 'a feature')) + sorted.join('');
  } catch (error) {
    if (error instanceof IllFormed) return undefined;
    throw error;
  }
}

/** The capabilities that an answer proves by itself: its node names them, and its digest is theirs. */
export function capsProvedBy(query: Element): Caps | undefined {
  const [, node, ver] = /^(.*)#([^#]+)$/s.exec(query.attrs.node ?? '') ?? [];
  if (!node || !ver) return undefined;
  const all = Object.keys(ALGORITHMS).map((algorithm) => ({ node, ver, hash: algorithm }));
  return all.find((caps) => isVerified(query, caps));
}

/** Whether an answer is the one that these capabilities stand for (XEP-0115 section 5.4). */
export function isVerified(query: Element, caps: Caps): boolean {
  if (!isVerifiable(caps)) return false;
  const [algorithm] = ALGORITHMS[caps.hash as string] as readonly [string, number];
  const text = verificationString(query);
  return text !== undefined && hash(algorithm, text, 'base64') === caps.ver;
}

/** Whether a disco#info answer lists a feature (XEP-0030 section 3.1). */
export function hasFeature(query: Element, feature: string): boolean {
  return query.getChildren('feature', NS.discoInfo).some(({ attrs }) => attrs.var === feature);
}
