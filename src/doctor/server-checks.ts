import { randomBytes } from 'node:crypto';
import type { Element } from '@xmpp/xml';
import type { Config } from '../config/config.ts';
import { isLoopback } from '../config/hosts.ts';
import type { LinkProblem } from '../xmpp/connection/link-problem.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { readError } from '../xmpp/stanza/stanza-error.ts';
import { Questions } from './component-questions.ts';
import { type Finding, Findings } from './finding.ts';
import { checkGate } from './gate-checks.ts';

/** How often, and how many times, the server's items are asked for until the component is among them, ms. */
const ITEMS = { every: 300, times: 10 };
/** Several in a row: a server that lets two in gives each its turn. */
const SELF_PINGS = 3;
const PING = `<ping xmlns="${NS.ping}"/>`;

export interface ServerFound {
  readonly findings: readonly Finding[];
  /** The server's program, in lower case: openfire, prosody, ejabberd; undefined when it is not known. */
  readonly software: string | undefined;
}

/**
 * Looks at the XMPP server as a component does.
 *
 * @param isHeld whether a process of ours has the domain: then nobody connects under it, since Openfire would refuse that,
 *   and ejabberd would give a part of the process' messages to this connection
 */
export async function checkServer(config: Config, isHeld: boolean): Promise<ServerFound> {
  const findings = new Findings('XMPP server');
  checkEncryption(config, findings);
  const own = isHeld ? undefined : await Questions.open(config.xmpp.componentDomain, config.xmpp);
  if (own instanceof Questions) {
    findings.ok(
      'xmpp',
      `${config.xmpp.service} takes ${config.xmpp.componentDomain} with this secret; nobody else has it`,
    );
    return look(own, config, findings);
  }
  // A subdomain that nobody has: where any is let in (Openfire), the secret can be tried without disturbing anybody.
  const other = await Questions.open(
    `check-${randomBytes(6).toString('hex')}.${config.xmpp.servedDomain}`,
    config.xmpp,
  );
  explain(own, other, config, findings);
  return other instanceof Questions ? look(other, config, findings) : { findings: findings.all, software: undefined };
}

function checkEncryption({ xmpp }: Config, findings: Findings): void {
  const { hostname, protocol } = new URL(xmpp.service);
  if (protocol === 'xmpp:' && !isLoopback(hostname)) {
    findings.warning(
      'xmpp.plain',
      `The link to ${hostname} is not encrypted: who is between can read all messages`,
      'Use xmpps:// (XMPP_SERVICE; Openfire: port 5276), unless the network between is yours alone',
    );
  }
}

/** What the refusal of the component's domain, if it was tried, and the answer to another one mean. */
function explain(
  own: LinkProblem | undefined,
  other: Questions | LinkProblem,
  config: Config,
  findings: Findings,
): void {
  const { componentDomain, service } = config.xmpp;
  if (own === undefined) {
    if (other instanceof Questions) findings.ok('xmpp', `${service} takes components with this secret`);
    else if (other.kind === 'network' || other.kind === 'timeout') findings.problem('xmpp', other.message);
    else {
      findings.unknown(
        'xmpp.secret',
        `A process serves ${componentDomain}: its secret is not tried, so as not to take messages from it`,
        'Stop it and check again, or see that it is ready (/readyz)',
      );
    }
  } else if (own.kind === 'auth') {
    findings.problem('xmpp.secret', own.message);
  } else if (own.kind === 'refused' && other instanceof Questions) {
    findings.problem(
      'xmpp.taken',
      `Another connection has ${componentDomain}, and it is no process of this Redis (REDIS_URL, REDIS_PREFIX)`,
      'Stop it, or set another XMPP_COMPONENT_DOMAIN. In Openfire: Sessions > Component Sessions shows from where it comes',
    );
  } else if (own.condition === 'conflict') {
    findings.problem('xmpp.taken', own.message);
  } else findings.problem(own.kind === 'refused' ? 'xmpp.refused' : 'xmpp', own.message);
}

async function look(questions: Questions, config: Config, findings: Findings): Promise<ServerFound> {
  const { servedDomain, componentDomain } = config.xmpp;
  const isOwn = questions.domain === componentDomain;
  try {
    const [pong, version, info, ...selves] = await Promise.all([
      questions.ask(servedDomain, PING),
      questions.ask(servedDomain, `<query xmlns="${NS.version}"/>`),
      questions.ask(servedDomain, `<query xmlns="${NS.discoInfo}"/>`),
      ...(isOwn ? Array.from({ length: SELF_PINGS }, () => questions.ask(componentDomain, PING)) : []),
    ]);
    if (!knows(pong, config, findings)) return { findings: findings.all, software: undefined };
    const software = describe(version, findings);
    if (selves.some((answer) => answer !== undefined && answer !== 'itself')) {
      findings.problem(
        'xmpp.taken',
        `Another connection has ${componentDomain} as well: the server gives each of the two a part of all messages`,
        'Stop it, or set another XMPP_COMPONENT_DOMAIN',
      );
    }
    await checkItems(questions, config, findings);
    checkOffline(info, findings);
    if (isOwn && config.gate.mode !== 'subdomain') findings.all.push(...(await checkGate(questions, config)));
    return { findings: findings.all, software };
  } finally {
    await questions.close();
  }
}

/** Whether the server answers for the domain that is served. */
function knows(pong: Element | 'itself' | undefined, config: Config, findings: Findings): boolean {
  const { servedDomain, componentDomain } = config.xmpp;
  if (pong === undefined || pong === 'itself') {
    findings.problem(
      'xmpp.served',
      `The server takes what ${componentDomain} sends and answers nothing`,
      `${componentDomain} must be a subdomain of the server's own domain, and that must be ${servedDomain} (XMPP_SERVED_DOMAIN)`,
    );
    return false;
  }
  const condition = pong.attrs.type === 'error' ? readError(pong).condition : undefined;
  // A domain of its own answers, be it that it knows no pings; what another server's would, is none of these.
  if (condition !== undefined && !/^(service-unavailable|feature-not-implemented)$/.test(condition)) {
    findings.problem(
      'xmpp.served',
      `The server does not know ${servedDomain} (${condition})`,
      "XMPP_SERVED_DOMAIN must be its own domain, as its users' addresses have it",
    );
    return false;
  }
  findings.ok('xmpp.served', `It answers for ${servedDomain}`);
  return true;
}

/** Says what the server is, and what only its operator can see of it. */
function describe(version: Element | 'itself' | undefined, findings: Findings): string | undefined {
  const query = version === undefined || version === 'itself' ? undefined : version.getChild('query', NS.version);
  const name = query?.getChildText('name') ?? undefined;
  const number = query?.getChildText('version') ?? '';
  if (name === undefined) {
    findings.unknown(
      'xmpp.idle',
      'The server does not say what it is',
      "Its limit for silent components must be above our ping's 60 s",
    );
    return undefined;
  }
  findings.ok('xmpp.software', `It is ${name} ${number}`.trim());
  const software = name.toLowerCase().match(/openfire|prosody|ejabberd/)?.[0];
  if (software === 'openfire') {
    findings.unknown(
      'xmpp.idle',
      'Openfire tells nobody after how long it closes a silent component; we ping every 60 s',
      'System Properties: xmpp.component.idle must be above 120000 (default 360000)',
    );
    if (/^4\.[0-4]\./.test(number)) {
      findings.unknown(
        'xmpp.nodelay',
        'This Openfire may hold each message back for 45 ms',
        'System Properties: xmpp.socket.tcp-nodelay=true, then restart it',
      );
    }
  }
  return software;
}

async function checkItems(questions: Questions, { xmpp }: Config, findings: Findings): Promise<void> {
  const { servedDomain, componentDomain } = xmpp;
  for (let count = 0; count < ITEMS.times; count += 1) {
    const items = await questions.ask(servedDomain, `<query xmlns="${NS.discoItems}"/>`);
    const query = items === undefined || items === 'itself' ? undefined : items.getChild('query', NS.discoItems);
    const jids = query?.getChildren('item').map(({ attrs }) => attrs.jid?.toLowerCase()) ?? [];
    if (jids.includes(componentDomain.toLowerCase())) {
      findings.ok('xmpp.items', `${componentDomain} is among the server's items (disco#items)`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, ITEMS.every));
  }
  findings.warning(
    'xmpp.items',
    `${componentDomain} is not among the items of ${servedDomain} (disco#items): clients do not find its commands, nor the client library the component`,
    'In Prosody: add it to disco_items of the host, or name the host so that it is a subdomain',
  );
}

function checkOffline(info: Element | 'itself' | undefined, findings: Findings): void {
  const query = info === undefined || info === 'itself' ? undefined : info.getChild('query', NS.discoInfo);
  const features = query?.getChildren('feature').map(({ attrs }) => attrs.var) ?? [];
  if (features.includes('msgoffline'))
    findings.ok('xmpp.offline', 'It stores messages for users who are offline (XEP-0160)');
  else if (query !== undefined) {
    findings.unknown(
      'xmpp.offline',
      'It does not announce that it stores messages for users who are offline (XEP-0160)',
      'Without it, messages to them are sent at their next login, which only contacts and a gate tell of',
    );
  }
}
