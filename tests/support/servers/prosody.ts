import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, freePorts } from '../process/ports.ts';
import { startServer, type TemporaryServer } from '../process/temporary-server.ts';

export interface ComponentAccount {
  readonly domain: string;
  readonly secret: string;
}

export interface XmppServerOptions {
  readonly domain?: string;
  /** Passwords by name. */
  readonly users?: Readonly<Record<string, string>>;
  readonly component?: ComponentAccount;
  readonly components?: readonly ComponentAccount[];
}

export interface ProsodyOptions extends XmppServerOptions {
  /** HTTP as well: WebSocket (RFC 7395) and BOSH (XEP-0124). */
  readonly websocket?: boolean;
  /** Further lines of its configuration, before the hosts. */
  readonly config?: string;
  /** Further modules, of Prosody's or of tests/support/gate/prosody. */
  readonly modules?: readonly string[];
  /** Further hosts. */
  readonly hosts?: string;
  /** Loads prosody/mod_receipts_gate for the first component, with further lines of its configuration. */
  readonly gate?: boolean | string;
}

const PLUGIN_PATHS = ['../../../prosody', '../gate/prosody'].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);

/** A real XMPP server on loopback, without TLS. */
export interface XmppServer extends TemporaryServer {
  readonly domain: string;
  readonly c2sPort: number;
  readonly componentPort: number;
}

export interface ProsodyServer extends XmppServer {
  readonly websocketUrl?: string;
  readonly boshUrl?: string;
  /** Loses what its offline storage keeps for a user who is away. */
  loseOffline(name: string): Promise<void>;
}

export function allComponents({ component, components = [] }: XmppServerOptions): ComponentAccount[] {
  return component === undefined ? [...components] : [component, ...components];
}

/** Whether both ports speak XMPP by now, with PLAIN offered to clients. */
export async function speaksXmpp(
  c2sPort: number,
  domain: string,
  componentPort: number,
  component?: string,
): Promise<boolean> {
  const header = (xmlns: string, to: string, version = '') =>
    `<?xml version='1.0'?><stream:stream xmlns='${xmlns}' xmlns:stream='http://etherx.jabber.org/streams' to='${to}'${version}>`;
  if (!(await answers(c2sPort, header('jabber:client', domain, " version='1.0'"), />PLAIN</))) return false;
  if (component === undefined) return true;
  return answers(componentPort, header('jabber:component:accept', component), /stream:stream[^>]* id=/);
}

export async function startProsody(options: ProsodyOptions = {}): Promise<ProsodyServer> {
  const domain = options.domain ?? 'localhost';
  const components = allComponents(options);
  const [c2sPort, componentPort, httpPort] = (await freePorts(3)) as [number, number, number];

  const modules = [...(options.gate ? ['receipts_gate'] : []), ...(options.modules ?? [])];
  const configuration = (folder: string) => `
run_as_root = true
pidfile = ${lua(path.join(folder, 'prosody.pid'))}
data_path = ${lua(path.join(folder, 'data'))}
certificates = ${lua(folder)}
log = { { levels = { min = "info" }, to = "console" } }
interfaces = { "127.0.0.1" }
local_interfaces = { "127.0.0.1" }
c2s_ports = { ${c2sPort} }
component_ports = { ${componentPort} }
component_interfaces = { "127.0.0.1" }
http_ports = { ${options.websocket ? httpPort : ''} }
http_interfaces = { "127.0.0.1" }
s2s_ports = {}
https_ports = {}
c2s_direct_tls_ports = {}
s2s_direct_tls_ports = {}
modules_enabled = { "roster", "saslauth", "disco", "posix", "ping", "smacks", "carbons", "mam", "blocklist", "pep", "vcard"${options.websocket ? ', "websocket", "bosh"' : ''}${modules.map((name) => `, ${lua(name)}`).join('')} }
modules_disabled = { "s2s", "tls" }
consider_websocket_secure = true
consider_bosh_secure = true
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
limits = {}
${options.config ?? ''}
${gateOptions(options, components[0]?.domain)}
VirtualHost ${lua(domain)}
${components.map(({ domain, secret }) => `Component ${lua(domain)}\n  component_secret = ${lua(secret)}`).join('\n')}
${options.hosts ?? ''}
`;

  let offline = '';
  const server = await startServer({
    name: 'prosody',
    program: 'prosody',
    prepare: async (folder) => {
      offline = path.join(folder, 'data', inFileName(domain), 'offline');
      const accounts = path.join(folder, 'data', inFileName(domain), 'accounts');
      await mkdir(accounts, { recursive: true });
      for (const [name, password] of Object.entries(options.users ?? {})) {
        await writeFile(
          path.join(accounts, `${inFileName(name)}.dat`),
          `return { ["password"] = ${lua(password)} };\n`,
        );
      }
      const file = path.join(folder, 'prosody.cfg.lua');
      await writeFile(file, configuration(folder));
      return ['-F', '--config', file];
    },
    isReady: () => speaksXmpp(c2sPort, domain, componentPort, components[0]?.domain),
  });
  const http = options.websocket && {
    websocketUrl: `ws://127.0.0.1:${httpPort}/xmpp-websocket`,
    boshUrl: `http://127.0.0.1:${httpPort}/http-bind`,
  };
  const loseOffline = async (name: string) => {
    const file = path.join(offline, inFileName(name));
    await Promise.all([rm(`${file}.list`), rm(`${file}.lidx`, { force: true })]);
  };
  return Object.assign(server, { domain, c2sPort, componentPort, loseOffline, ...http });
}

function gateOptions({ gate }: ProsodyOptions, component = ''): string {
  const paths = `plugin_paths = { ${PLUGIN_PATHS.map(lua).join(', ')} }\n`;
  if (!gate) return paths;
  const further = gate === true ? '' : gate;
  return `${paths}receipts_component = ${lua(component)}\nreceipts_ping_delay = 20\nreceipts_timeout = 60000\nreceipts_lease = 60000\n${further}`;
}

function lua(text: string): string {
  return `"${text.replaceAll(/[\\"\n]/g, (char) => `\\${char}`)}"`;
}

/** As Prosody writes names into its data folder: the bytes of all but letters and digits in hex. */
function inFileName(name: string): string {
  const bytes = [...Buffer.from(name)].map((byte) => [byte, String.fromCharCode(byte)] as const);
  return bytes
    .map(([byte, char]) => (/[A-Za-z0-9]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`))
    .join('');
}
