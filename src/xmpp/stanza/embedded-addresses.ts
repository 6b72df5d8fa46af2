import type { Element } from '@xmpp/xml';
import type { Address } from './address.ts';
import { CONTAINERS, INSIDE_RULES, type InsideRule } from './embedded-address-rules.ts';
import { NS } from './namespaces.ts';
import { attribute, escapeText, MAX_DEPTH, namespaceOf, serialize, TooDeepError } from './xml.ts';

/** The two principals of a stanza: whose addresses inside it are swapped with those on the other side. */
export interface Between {
  readonly from: Pick<Address, 'bare' | 'counterpart'>;
  readonly to: Pick<Address, 'bare' | 'counterpart'>;
}

const RULES: ReadonlyMap<string, InsideRule> = new Map(
  INSIDE_RULES.map((rule) => [`${rule.namespace} ${rule.element}`, rule]),
);
// Where the search begins. A quoted stanza stands in a container only, and a body has the stream's namespace.
const WORTH_A_LOOK: ReadonlySet<string> = new Set(
  [...INSIDE_RULES.map(({ namespace }) => namespace), ...CONTAINERS].filter((namespace) => namespace !== NS.client),
);

/** The other address of a principal; undefined for anybody else. */
function counterpartOf(bare: string, { from, to }: Between): string | undefined {
  if (bare === from.bare) return from.counterpart || undefined;
  if (bare === to.bare) return to.counterpart || undefined;
  if (bare === from.counterpart) return from.bare;
  return bare === to.counterpart ? to.bare : undefined;
}

/**
 * Swaps a JID that is one of the principals', resource kept; any other text stays. It is its own inverse, so only the
 * prepared spelling counts: another one could not be told on the way back.
 */
export function swapJid(text: string, between: Between): string {
  const slash = text.indexOf('/');
  const bare = slash === -1 ? text : text.slice(0, slash);
  if (bare === '') return text;
  const other = counterpartOf(bare, between);
  if (other === undefined) return text;
  return slash === -1 ? other : other + text.slice(slash);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const NOT_ASCII = /[^\0-\x7f]/;

/** RFC 5122 section 2.2: what a URI may not bear there is percent-encoded; an IRI keeps its letters. */
function encoded(bare: string, asIri: boolean): string {
  const encode = (text: string) => encodeURIComponent(text).replace(/%(24|2B|2C|3B|3D)/g, decodeURIComponent);
  const part = (text: string) => (asIri ? text.replace(/[\0-\x7f]+/g, encode) : encode(text));
  return bare.split('@').map(part).join('@');
}

function swapInUri(path: string, between: Between): string {
  const bare = decoded(path);
  const other = bare ? counterpartOf(bare, between) : undefined;
  if (bare === undefined || other === undefined) return path;
  const swapped = encoded(other, NOT_ASCII.test(path));
  // What is encoded otherwise than we do it could not be told on the way back.
  return encoded(bare, NOT_ASCII.test(swapped)) === path ? swapped : path;
}

const XMPP_URI = /^(xmpp:(?:\/\/)?)([^/?#]*)(\/?)([^/?#]*)(.*)$/is;

/** Swaps the address in an `xmpp:` URI (RFC 5122), and its account if it names one; other texts stay. */
export function swapUri(text: string, between: Between): string {
  const [, scheme, first = '', slash = '', second = '', rest = ''] = XMPP_URI.exec(text) ?? [];
  if (scheme === undefined) return text;
  // After an account comes the address; after an address, its resource.
  const other = scheme.endsWith('//') ? swapInUri(second, between) : second;
  return scheme + swapInUri(first, between) + slash + other + rest;
}

/** Writes an element as `serialize` does, with the principals' addresses in it and below it swapped. */
function write(element: Element, inherited: string, between: Between, depth: number): string {
  if (depth <= 0) throw new TooDeepError();
  const { name, attrs, children } = element;
  const colon = name.indexOf(':');
  const namespace = colon === -1 ? (attrs.xmlns ?? inherited) : (element.getNS() ?? '');
  const rule = RULES.get(`${namespace} ${name.slice(colon + 1)}`);
  let xml = `<${name}`;
  for (const key in attrs) {
    const given: unknown = attrs[key];
    if (given === undefined || given === null) continue;
    const value = String(given);
    if (rule?.jids?.includes(key)) xml += attribute(key, swapJid(value, between));
    else if (rule?.uris?.includes(key)) xml += attribute(key, swapUri(value, between));
    else xml += attribute(key, value);
  }
  if (children.length === 0) return `${xml}/>`;
  const below = colon === -1 ? namespace : (attrs.xmlns ?? inherited);
  xml += '>';
  for (const child of children) {
    xml += typeof child === 'object' ? write(child, below, between, depth - 1) : escapeText(String(child));
  }
  return `${xml}</${name}>`;
}

/** Whether a stanza's child of this namespace may have addresses in it that are mapped. */
export function isWorthALook(namespace: string): boolean {
  return WORTH_A_LOOK.has(namespace);
}

/**
 * A stanza's child as XML, for the other side. The element itself stays as it is.
 *
 * @throws {TooDeepError} when it is nested too deeply to be carried
 */
export function childAcross(child: Element, between: Between): string {
  const namespace = namespaceOf(child);
  return WORTH_A_LOOK.has(namespace) ? write(child, namespace, between, MAX_DEPTH) : serialize(child);
}

/**
 * All of a stanza's children as XML, for the other side.
 *
 * @throws {TooDeepError} when it is nested too deeply to be carried
 */
export function childrenAcross(stanza: Element, between: Between): string {
  let xml = '';
  for (const child of stanza.getChildElements()) xml += childAcross(child, between);
  return xml;
}
