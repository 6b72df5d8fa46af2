/** The bare JID of a JID (RFC 7622 section 3.1), in lower case, as servers write it. */
export function bare(jid: string): string {
  const slash = jid.indexOf('/');
  return (slash < 0 ? jid : jid.slice(0, slash)).toLowerCase();
}

/** The domain of a JID. */
export function domain(jid: string): string {
  const address = bare(jid);
  return address.slice(address.indexOf('@') + 1);
}
