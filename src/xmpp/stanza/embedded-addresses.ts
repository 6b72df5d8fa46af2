import type { Element } from '@xmpp/xml';
import { encoded as octetsOf } from '../../util/octets.ts';
import { CONTAINERS, EMBEDDED_ADDRESS_RULES, type EmbeddedAddressRule } from './embedded-address-rules.ts';
import { NS } from './namespaces.ts';
import { attribute, escapeText, MAX_DEPTH, namespaceOf, TooDeepError, xmlOf } from './xml.ts';

/** A user with both his bare addresses: his account's own, and the one that others know. Empty for who is no user. */
interface User {
  readonly inner: string;
  readonly outer: string;
}

/** The two users of a stanza: each address of theirs inside it becomes the other one. */
export interface Between {
  readonly from: User;
  readonly to: User;
}

const RULES: ReadonlyMap<string, EmbeddedAddressRule> = new Map(
  EMBEDDED_ADDRESS_RULES.map((rule) => [`${rule.namespace} ${rule.element}`, rule]),
);
// Where the search begins. A quoted stanza stands in a container only, and a body has the stream's namespace.
const REWRITTEN: ReadonlySet<string> = new Set(
  [...EMBEDDED_ADDRESS_RULES.map(({ namespace }) => namespace), ...CONTAINERS].filter(
    (namespace) => namespace !== NS.client,
  ),
);

/** The other address of one of the two; undefined for anybody else. */
function otherAddressOf(bare: string, { from, to }: Between): string | undefined {
  if (bare === from.inner) return from.outer;
  if (bare === to.outer) return to.inner;
  if (bare === from.outer) return from.inner;
  return bare === to.inner ? to.outer : undefined;
}

/** Whether the two know each other by other addresses than their own. */
function differs({ from, to }: Between): boolean {
  return from.inner !== from.outer || to.inner !== to.outer;
}

/**
 * Swaps a JID that is one of the two users', resource kept; any other text stays. It is its own inverse, so only the
 * prepared spelling counts: another one could not be told on the way back.
 */
export function swapJid(text: string, between: Between): string {
  const slash = text.indexOf('/');
  const bare = slash === -1 ? text : text.slice(0, slash);
  if (bare === '') return text;
  const other = otherAddressOf(bare, between);
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
  const other = bare ? otherAddressOf(bare, between) : undefined;
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

/** Writes an element as `serialize` does, with the two users' addresses in it and below it swapped. */
function write(element: Element, inherited: string, between: Between, depth: number): string {
  if (depth <= 0) throw new TooDeepError();
  const { name, attrs, children } = element;
  const colon = name.indexOf(':');
  const namespace = colon === -1 ? (attrs.xmlns ?? inherited) : (element.getNS() ?? '');
  const rule = RULES.get(`${namespace} ${name.slice(colon + 1)}`);
  const tag = octetsOf(name);
  let xml = `<${tag}`;
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
  return `${xml}</${tag}>`;
}

/** Whether a stanza's child of this namespace may have addresses in it that are rewritten. */
export function mayEmbedAddresses(namespace: string): boolean {
  return REWRITTEN.has(namespace);
}

/**
 * A stanza's child as XML, with the addresses that its recipient knows. The element itself stays as it is.
 *
 * @throws {TooDeepError} when it is nested too deeply to be carried
 */
export function rewriteChild(child: Element, between: Between): string {
  const namespace = namespaceOf(child);
  return REWRITTEN.has(namespace) && differs(between) ? write(child, namespace, between, MAX_DEPTH) : xmlOf(child);
}

/**
 * All of a stanza's children as XML, with the addresses that its recipient knows.
 *
 * @throws {TooDeepError} when it is nested too deeply to be carried
 */
export function rewriteChildren(stanza: Element, between: Between): string {
  let xml = '';
  for (const child of stanza.getChildElements()) xml += rewriteChild(child, between);
  return xml;
}
