import { domainToASCII, domainToUnicode } from 'node:url';
import { foldAscii, isLocalpart, prepareLocalpart } from './localpart.ts';

/** An address that no server would route (RFC 7622); its sender gets `jid-malformed`. */
export class MalformedAddressError extends Error {
  constructor(readonly address: string) {
    super(`Malformed address: ${address.slice(0, 100)}`);
    this.name = 'MalformedAddressError';
  }
}

/** A JID whose parts are prepared: see {@link prepareJid}. */
export interface Jid {
  /** As it was written. */
  readonly address: string;
  /** Empty for a domain's own. */
  readonly local: string;
  /** In its ASCII form. */
  readonly domain: string;
  /** Empty for a bare JID. */
  readonly resource: string;
}

// RFC 7622 section 3.1: each part has at most 1023 bytes.
const MAX_PART = 1023;
// What a URL's host ends at or leaves out: domainToASCII takes a domain for one.
const FORBIDDEN_IN_DOMAIN = /[\s\\/?#@:[\]%]/;
// RFC 8265 section 4.2.1, OpaqueString: no control characters; and none that no text has.
const FORBIDDEN_IN_RESOURCE = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;
const ASCII = /^[\0-\x7f]*$/;

/** RFC 7622 section 3.2: the first slash begins the resource, the first at sign before it ends the localpart. */
function split(address: string): {
  readonly local: string | undefined;
  readonly domain: string;
  readonly resource: string | undefined;
} {
  const slash = address.indexOf('/');
  const bare = slash === -1 ? address : address.slice(0, slash);
  const at = bare.indexOf('@');
  return {
    local: at === -1 ? undefined : bare.slice(0, at),
    domain: bare.slice(at + 1),
    resource: slash === -1 ? undefined : address.slice(slash + 1),
  };
}

/** Joins a bare JID and a resource, which may be empty. */
export function withResource(bare: string, resource: string): string {
  return resource === '' ? bare : `${bare}/${resource}`;
}

/** Whether a text is short enough for a part of a JID (RFC 7622 section 3.1). */
export function fitsPart(part: string): boolean {
  return Buffer.byteLength(part) <= MAX_PART;
}

/**
 * Prepares a domain: IDN to its ASCII form (RFC 5890), case folded. Empty when it is not a domain, or when it would be
 * another one after more than that: only what is folded by everybody may be.
 */
export function prepareDomain(domain: string): string {
  const name = domain.replace(/\.$/, '');
  if (FORBIDDEN_IN_DOMAIN.test(name)) return '';
  const ascii = domainToASCII(name);
  if (ASCII.test(name)) return ascii;
  return domainToUnicode(ascii) === name.toLowerCase().normalize('NFC') ? ascii : '';
}

/**
 * Prepares an address as a server wrote it, so that equal addresses have equal parts. A server prepares every address that
 * it passes on (RFC 7622, or the older RFC 6122 with its Unicode 3.2): its own form of a name is the account's identity, and
 * two accounts of the server are two users, whatever this side's Unicode makes of their names. So of a localpart ASCII
 * letters are folded and nothing else, a resource stays as it is, and domains are compared in their ASCII form. What may not
 * be an address is refused ({@link isLocalpart}). What a human or a client wrote inside a payload, a form or a setting no
 * server has prepared: {@link foldWritten}.
 *
 * @param written what it is a part of, for the error
 * @throws {MalformedAddressError}
 */
export function prepareJid(address: string, written = address): Jid {
  const { local: localText, domain: domainText, resource } = split(address);
  const local = foldAscii(localText ?? '');
  const domain = prepareDomain(domainText);
  if (domain === '' || (localText !== undefined && !isLocalpart(localText)) || !fitsPart(local) || !fitsPart(domain)) {
    throw new MalformedAddressError(written);
  }
  return { address, local, domain, resource: resource === undefined ? '' : prepareResource(resource, written) };
}

/**
 * Prepares the resource of an address, which stays as it is.
 *
 * @throws {MalformedAddressError}
 */
export function prepareResource(resource: string, address: string): string {
  if (resource === '' || FORBIDDEN_IN_RESOURCE.test(resource) || !fitsPart(resource))
    throw new MalformedAddressError(address);
  return resource;
}

/** An address as a human or a client wrote it, its localpart in the form that the server has of it; else as it is. */
export function foldWritten(address: string): string {
  const { local, domain, resource } = split(address);
  if (local === undefined || ASCII.test(local)) return address;
  const bare = `${prepareLocalpart(local)}@${domain}`;
  return resource === undefined ? bare : `${bare}/${resource}`;
}
