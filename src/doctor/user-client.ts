import { type AskingClient, type Authenticate, client } from '@xmpp/client';
import type { Element } from '@xmpp/xml';
import type { Config } from '../config/config.ts';
import { isLoopback } from '../config/hosts.ts';
import { patient } from './patience.ts';

const NS_STREAMS = 'http://etherx.jabber.org/streams';
const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls';
const NS_SM = 'urn:xmpp:sm:3';
/** ms */
const TIMEOUT = 10_000;

/** A user's account, as whom the server is looked at from its clients' side. */
export interface Account {
  readonly jid: string;
  readonly password: string;
  /** `host:port`; by default port 5222 of the server's host. */
  readonly address?: string;
}

/** What the server offers clients, as far as it has said so. */
export interface Offered {
  readonly features: boolean;
  readonly startTls: boolean;
  readonly tlsRequired: boolean;
  /** XEP-0198. */
  readonly sm: boolean;
}

/** A client of a user's, which connects once. */
export interface UserClient {
  readonly xmpp: AskingClient;
  readonly offered: Offered;
  /** Resolves with its full JID. Rejects with an error of the library, or when there is no answer in time. */
  login(): Promise<string>;
  /** Closes the stream in order; never rejects. */
  close(): Promise<void>;
}

/** @param resumes whether the server may keep its session after a break (XEP-0198) */
export function userClient({ jid, password, address }: Account, config: Config, resumes = true): UserClient {
  const [username = '', domain = config.xmpp.servedDomain] = jid.split('@');
  const { host, hostname } = new URL(`xmpp://${address ?? `${new URL(config.xmpp.service).hostname}:5222`}`);
  const offered = { features: false, startTls: false, tlsRequired: false, sm: false };
  const xmpp = client({
    service: `xmpp://${host}`,
    domain,
    credentials: async (authenticate: Authenticate, mechanisms: readonly string[]) => {
      // SCRAM of this library takes a second of CPU time; what is encrypted, or stays on this machine, needs none.
      const isPrivate = offered.startTls || isLoopback(hostname);
      const mechanism = isPrivate && mechanisms.includes('PLAIN') ? 'PLAIN' : 'SCRAM-SHA-1';
      if (!mechanisms.includes(mechanism)) throw new Error(`the server offers ${mechanisms.join(', ')} only`);
      await authenticate({ username, password }, mechanism);
    },
  });
  // The library takes whatever it sees offered, and would listen before us.
  xmpp.prependListener('element', (element: Element) => {
    if (!element.is('features', NS_STREAMS)) return;
    const startTls = element.getChild('starttls', NS_TLS);
    offered.features = true;
    if (startTls) offered.startTls = true;
    if (startTls?.getChild('required')) offered.tlsRequired = true;
    if (element.getChild('sm', NS_SM)) offered.sm = true;
    // A server's own certificate is signed by nobody, and what stays on this machine needs none.
    const goesPlain = isLoopback(hostname) && !offered.tlsRequired;
    element.children = element.children.filter(
      (child) =>
        typeof child === 'string' || !((goesPlain && child === startTls) || (!resumes && child.is('sm', NS_SM))),
    );
  });
  xmpp.on('error', () => {});
  xmpp.reconnect.stop();
  return {
    xmpp,
    offered,
    login: async () => String(await inTime(xmpp.start())),
    close: async () => {
      await xmpp.stop().catch(() => {});
    },
  };
}

async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, patient(TIMEOUT), new Error('no answer in time'));
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
