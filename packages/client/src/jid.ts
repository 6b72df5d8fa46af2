/** The bare JID of a JID (RFC 7622 section 3.1), in lower case, as servers write it. */
export function bare(jid: string): string {
  return (jid.split('/', 1)[0] as string).toLowerCase();
}

/** The domain of a JID. */
export function domain(jid: string): string {
  return bare(jid).split('@').pop() as string;
}
