import type { Durability } from '../../packages/protocol/elements.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { attribute, escapeAttribute } from '../xmpp/stanza/xml.ts';

/** The version of docs/gate-protocol.md that is spoken here. */
export const VERSION = 1;

/** What a lease is asked for with. Times in ms. */
export interface LeaseTerms {
  /** A random name of this process. */
  readonly process: string;
  readonly timeout: number;
  readonly lease: number;
  /** What an acknowledgement says that the gate writes; undefined where none is to be written. */
  readonly acks?: Durability | undefined;
}

/** Commands to a gate, as XML; docs/gate-protocol.md says what each does. */
export const DISABLE = '<disable/>';

export function enable({ process, timeout, lease, acks }: LeaseTerms): string {
  const times = `timeout="${timeout}" lease="${lease}"`;
  return `<enable version="${VERSION}" process="${escapeAttribute(process)}" ${times} receipts="routed"${attribute('acks', acks)}/>`;
}

/** @param ledger the ledger's mark, for the gate to remember; see {@link LedgerMark} */
export const renew = (ledger?: string): string => `<renew${attribute('ledger', ledger)}/>`;

export type Verdict = 'stored' | 'pass' | 'drop';

/** @param ack whether the gate tells the sender that it is stored; of `stored` alone */
export function verdict(word: Verdict, n: string, ack = false): string {
  return ack ? `<${word} n="${n}" ack="true"/>` : `<${word} n="${n}"/>`;
}

export const ask = (n: string): string => `<ask n="${n}"/>`;
export const forget = (n: string): string => `<forget n="${n}"/>`;

/** @param message the whole stanza, without a namespace of its own */
export function deliver(n: string, copy: number, to: string, message: string): string {
  return `<deliver n="${n}" copy="${copy}"${attribute('to', to)}>${ofClient(message)}</deliver>`;
}

export const tell = (message: string): string => `<tell>${ofClient(message)}</tell>`;

/** In the namespace of a client's stream, which its children inherit: none of them may end up in another. */
function ofClient(message: string): string {
  return `<message xmlns="${NS.client}"${message.slice('<message'.length)}`;
}

/** A request with commands, which are carried out in order. Without a token it can only be for a lease. */
export function request(id: string, from: string, to: string, commands: string, token?: string): string {
  const head = `<iq type="set"${attribute('id', id)}${attribute('from', from)}${attribute('to', to)}>`;
  return `${head}<gate xmlns="${NS.gate}"${attribute('token', token)}>${commands}</gate></iq>`;
}
