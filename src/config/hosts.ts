import { isIP, isIPv4 } from 'node:net';
import { domainToASCII } from 'node:url';

// RFC 1123 section 2.1, in the form that goes over the wire; and underscores, which Docker and Windows put into names.
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
const MAX_DOMAIN = 253;
// What ends a host in an address, and what would be decoded; `domainToASCII` cuts or decodes there, and says nothing.
const NOT_IN_A_DOMAIN = /[\s/\\?#@:%[\]]/;

/**
 * The form of a domain by which two are compared: ASCII (RFC 5890), lower case.
 *
 * @returns undefined when it is no domain
 */
export function asciiDomain(domain: string): string | undefined {
  if (NOT_IN_A_DOMAIN.test(domain)) return undefined;
  const ascii = domainToASCII(domain.replace(/\.$/, ''));
  if (ascii.length > MAX_DOMAIN || !ascii.split('.').every((label) => LABEL.test(label))) return undefined;
  return ascii;
}

/** Whether it can be listened on or connected to: a name or an IP address, without brackets or a port. */
export function isHost(host: string): boolean {
  return isIP(host) !== 0 || asciiDomain(host) !== undefined;
}

/** Whether only this machine can reach it: 127.0.0.0/8, `::1` (also in brackets), `localhost`. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}
