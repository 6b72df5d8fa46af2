import type { RelayedIq } from '../../contract.ts';

/** A request between users as Redis holds it: JSON, of which scripts/include/iq-requests.lua reads the first four members. */
export function encodeIq({ requester, responder, substitute, proxied, from, to, id }: RelayedIq): string {
  // What is undefined is left out of JSON.
  return JSON.stringify({ b: requester, a: responder, s: substitute, p: proxied, f: from, t: to, i: id });
}

/** Throws a SyntaxError where it is none. */
export function decodeIq(text: string): RelayedIq {
  const iq = parsed(text);
  const member = (name: string): string => {
    const value = iq?.[name];
    if (typeof value !== 'string') throw new SyntaxError('a request between users lacks a member');
    return value;
  };
  return {
    requester: member('b'),
    responder: member('a'),
    substitute: iq?.s === undefined ? undefined : member('s'),
    proxied: member('p'),
    from: member('f'),
    to: member('t'),
    id: member('i'),
  };
}

function parsed(text: string): Partial<Record<string, unknown>> | null {
  try {
    return JSON.parse(text);
  } catch {
    // The error's own text quotes from it.
    throw new SyntaxError('a request between users is no JSON');
  }
}
