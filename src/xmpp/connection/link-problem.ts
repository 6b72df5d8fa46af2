/** Why a link was lost, or could not be made. */
export type ProblemKind =
  /** No connection, or one that the network broke. */
  | 'network'
  /** The server did not do something in time. */
  | 'timeout'
  /** The server refused the secret. */
  | 'auth'
  /** The server refused the domain: somebody else has it, or nobody may. */
  | 'refused'
  /** The server closed the stream with an error (RFC 6120 section 4.9). */
  | 'stream-error'
  /** The server closed the stream or the connection without saying why. */
  | 'closed'
  /** What the server sent cannot be read. */
  | 'unreadable'
  /** We ended it. */
  | 'ended';

/** What the server sent is no stream of XML elements; the parser cannot go on. */
export class UnreadableError extends Error {
  override name = 'UnreadableError';
}

/** A link that was lost or could not be made, and why, in words for an operator. */
export class LinkProblem extends Error {
  readonly kind: ProblemKind;
  /** The stream error's condition (RFC 6120 section 4.9.3), if there was one. */
  readonly condition: string | undefined;

  constructor(kind: ProblemKind, message: string, condition?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LinkProblem';
    this.kind = kind;
    this.condition = condition;
  }
}

/** The server refused the secret at start: nothing that waiting would mend. */
export class LinkAuthError extends LinkProblem {
  constructor(problem: LinkProblem) {
    super('auth', problem.message, problem.condition);
    this.name = 'LinkAuthError';
  }
}

const WHERE = 'in Openfire: Server > Server Settings > External Components';

function wrongSecret(domain: string): LinkProblem {
  const text = `The server refused the secret for ${domain}: XMPP_COMPONENT_SECRET must be what is set there (${WHERE}, or the property xmpp.component.defaultSecret)`;
  return new LinkProblem('auth', text, 'not-authorized');
}

/** What a header without an id means: Openfire 5 says no more than that. */
export function domainRefused(domain: string, condition?: string): LinkProblem {
  const port =
    condition === 'host-unknown' ? ". Or is it the clients' port (5222), and not the component port (5275)?" : '';
  const text = `The server refused ${domain}: another connection holds this domain, or it is not permitted or has no secret there (${WHERE})${port}`;
  return new LinkProblem('refused', text, condition);
}

/**
 * The connection ended before the server had sent a stream header.
 *
 * @param secure whether TLS is spoken on it
 */
export function noHeader(service: string, secure: boolean): LinkProblem {
  const hint = secure
    ? 'Does this port take TLS at once? If it does not, XMPP_SERVICE begins with xmpp://'
    : 'Is this the port for components (Openfire: 5275)? If it is one with TLS (5276), XMPP_SERVICE begins with xmpps://';
  return new LinkProblem('closed', `${service} closed the connection without a word of XMPP. ${hint}`);
}

/** The port that components connect to is another than the clients'. */
function otherPort(condition: string): LinkProblem {
  const text = `The server does not take components on this port (${condition}): is it the component port (Openfire: 5275) and not the clients' (5222)? See XMPP_SERVICE`;
  return new LinkProblem('stream-error', text, condition);
}

/** Says what a stream error means. */
export function streamError(condition: string, text: string, domain: string): LinkProblem {
  switch (condition) {
    case 'not-authorized':
      return wrongSecret(domain);
    case 'conflict': // Openfire 4 says so too where the domain has no secret.
    case 'host-unknown':
      return domainRefused(domain, condition);
    case 'invalid-namespace':
      return otherPort(condition);
    default: {
      const said = text === '' ? condition : `${condition}, ${text}`;
      return new LinkProblem('stream-error', `The server closed the stream: ${said}`, condition);
    }
  }
}

/** Stream errors (RFC 6120 section 4.9.3) that name a fault of what the server had been given. */
const FAULT_CONDITIONS = new Set([
  'bad-format',
  'bad-namespace-prefix',
  'improper-addressing',
  'invalid-from',
  'invalid-namespace',
  'invalid-xml',
  'not-well-formed',
  'policy-violation',
  'restricted-xml',
  'unsupported-encoding',
  'unsupported-feature',
  'unsupported-stanza-type',
  // What RFC 3920 called it.
  'xml-not-well-formed',
]);

/** Those that say nothing about it. */
const BLAMELESS_CONDITIONS = new Set([
  'conflict',
  'connection-timeout',
  'host-gone',
  'host-unknown',
  'not-authorized',
  'remote-connection-failed',
  'reset',
  'resource-constraint',
  'see-other-host',
  'system-shutdown',
]);

/** A connection that is closed this soon after a write may have been closed for what was written, in ms. */
const BLAME_WITHIN = 5_000;

/** Whether the server ended the link for what it was given: it named a fault, it may have, or it did not. */
export type Blame = 'named' | 'bare' | 'no';

/**
 * Judges a link's end.
 *
 * @param sinceWrite ms since a stanza was last written
 */
export function blameOf(problem: LinkProblem, sinceWrite: number): Blame {
  const { condition, kind } = problem;
  if (condition !== undefined && FAULT_CONDITIONS.has(condition)) return 'named';
  const mayBe = condition === undefined ? kind === 'closed' : !BLAMELESS_CONDITIONS.has(condition);
  return mayBe && sinceWrite <= BLAME_WITHIN ? 'bare' : 'no';
}

/** OpenSSL's and Node's words for a server that does not speak TLS, or ends the connection when it is spoken to in it. */
const NO_TLS = /wrong version number|packet length too long|unknown protocol|before secure TLS connection/i;

/** What a socket's error means: only a reset comes from the server itself. */
export function socketProblem(error: NodeJS.ErrnoException): LinkProblem {
  if (NO_TLS.test(error.message)) {
    const text =
      'TLS did not come about: does the server speak it on this port? If it does not, XMPP_SERVICE begins with xmpp://';
    return new LinkProblem('network', text, undefined, { cause: error });
  }
  const byPeer = error.code === 'ECONNRESET' || error.code === 'EPIPE';
  const text = byPeer
    ? `The server reset the connection (${error.code})`
    : `The connection failed: ${error.message || error.code}`;
  return new LinkProblem(byPeer ? 'closed' : 'network', text, undefined, { cause: error });
}
