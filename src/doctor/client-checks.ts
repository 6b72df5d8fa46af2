import type { AskingClient } from '@xmpp/client';
import type { Config } from '../config/config.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { type Finding, Findings } from './finding.ts';
import { patient } from './patience.ts';
import { type Account, type Offered, userClient } from './user-client.ts';

/** ms */
const TIMEOUT = 10_000;

export interface ClientsOptions {
  readonly account: Account | undefined;
  /** Whether a process of ours has the domain. */
  readonly isHeld: boolean;
  /** The server's program (openfire, prosody, ejabberd), where it is known. */
  readonly software: string | undefined;
}

/** What only a user sees: TLS and stream management for clients, and whether the component is reached from there. */
export async function checkClients(config: Config, { account, isHeld, software }: ClientsOptions): Promise<Finding[]> {
  const findings = new Findings('Clients');
  if (account === undefined) {
    findings.unknown(
      'clients',
      'What clients are offered (TLS, stream management) is shown to users only',
      'Give a user, best an ordinary one: --user alice@example.org, and CHECK_PASSWORD in the environment',
    );
  } else await look(config, account, isHeld, findings);
  if (software === 'openfire' || software === undefined) {
    findings.unknown(
      'clients.offline',
      'How much a server stores for a user who is offline, it tells nobody',
      'Openfire, System Properties: xmpp.offline.type=store_and_bounce, xmpp.offline.quota (102400 bytes) where users are away for long',
    );
  }
  return findings.all;
}

async function look(config: Config, account: Account, isHeld: boolean, findings: Findings): Promise<void> {
  const { xmpp, offered, login, close } = userClient(account, config);
  try {
    await login();
    sayTls(offered, findings);
    if (offered.sm) findings.ok('clients.sm', 'Clients can resume their sessions (stream management, XEP-0198)');
    else {
      findings.warning(
        'clients.sm',
        'Clients are offered no stream management (XEP-0198): each break of a connection leads to a redelivery',
        'Openfire: stream.management.active=true. Prosody: load smacks. ejabberd: mod_stream_mgmt',
      );
    }
    await checkReach(xmpp, config, isHeld, findings);
  } catch (error) {
    const { message, condition } = error as Error & { condition?: string };
    if (offered.features) sayTls(offered, findings);
    findings.unknown(
      'clients',
      `${account.jid} could not log in: ${condition ?? message}`,
      /certificate/i.test(message)
        ? "Clients' users are asked about such a certificate too. For this check name a file with its issuer in NODE_EXTRA_CA_CERTS"
        : 'See --user, CHECK_PASSWORD, --client-address',
    );
  } finally {
    await close();
  }
}

function sayTls({ startTls, tlsRequired }: Offered, findings: Findings): void {
  if (tlsRequired) findings.ok('clients.tls', 'Clients must use TLS');
  else if (startTls) {
    findings.warning(
      'clients.tls',
      'Clients may do without TLS',
      'Openfire: Server > Server Settings > Client Connections, "Required"',
    );
  } else findings.warning('clients.tls', 'Clients are offered no TLS', "See the server's certificate and settings");
}

/** Whether a user's question reaches the component, and who answers there. */
async function checkReach(
  xmpp: AskingClient,
  { xmpp: { componentDomain } }: Config,
  isHeld: boolean,
  findings: Findings,
): Promise<void> {
  const { default: xml } = await import('@xmpp/xml');
  const request = xml('iq', { type: 'get', to: componentDomain }, xml('query', { xmlns: NS.version }));
  try {
    const answer = await xmpp.iqCaller.request(request, patient(TIMEOUT));
    const query = answer.getChild('query', NS.version);
    const name = query?.getChildText('name');
    if (name === 'openfire-receipts') {
      findings.ok('clients.component', `${componentDomain} answers users: ${name} ${query?.getChildText('version')}`);
    } else {
      findings.problem(
        'clients.component',
        `${componentDomain} answers users, and is ${name ?? 'something unknown'}`,
        'Another component has the domain: stop it, or set another XMPP_COMPONENT_DOMAIN',
      );
    }
  } catch (error) {
    const { condition = 'no answer' } = error as { condition?: string };
    const text = `${componentDomain} does not answer users (${condition})`;
    if (isHeld) findings.problem('clients.component', text, 'See that the process is ready (/readyz)');
    else findings.ok('clients.component', `${text}: no process serves it now`);
  }
}
