import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePorts } from '../process/ports.ts';
import { findProgram, startServer } from '../process/temporary-server.ts';
import { allComponents, speaksXmpp, type XmppServer, type XmppServerOptions } from './prosody.ts';

// Where Debian puts it; it is started without ejabberdctl, which wants a user and folders of its own.
const LIBRARIES = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib/erlang/lib'];

function libraries(): string | undefined {
  return LIBRARIES.find((folder) => {
    try {
      return readdirSync(folder).some((name) => name.startsWith('ejabberd-'));
    } catch {
      return false;
    }
  });
}

export function ejabberdAvailable(): boolean {
  return findProgram('erl') !== undefined && libraries() !== undefined;
}

export interface EjabberdOptions extends XmppServerOptions {
  /** Further lines of its configuration, in YAML. */
  readonly config?: string;
}

export async function startEjabberd(options: EjabberdOptions = {}): Promise<XmppServer> {
  const domain = options.domain ?? 'localhost';
  const components = allComponents(options);
  const [c2sPort, componentPort] = (await freePorts(2)) as [number, number];

  const hosts = components.map(({ domain, secret }) => `${quoted(domain)}: { password: ${quoted(secret)} }`);
  const service = `- { port: ${componentPort}, ip: "127.0.0.1", module: ejabberd_service, hosts: { ${hosts.join(', ')} } }`;
  const configuration = `
hosts: [ ${quoted(domain)} ]
loglevel: warning
listen:
  - { port: ${c2sPort}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: false }
  ${components.length > 0 ? service : ''}
acl: { local: { user_regexp: "" } }
auth_method: internal
auth_password_format: plain
disable_sasl_mechanisms: [ digest-md5, X-OAUTH2, SCRAM-SHA-1 ]
modules: { mod_ping: {}, mod_roster: {}, mod_offline: {}, mod_carboncopy: {}, mod_disco: {}, mod_stream_mgmt: {} }
${options.config ?? ''}
`;
  const register = Object.entries(options.users ?? {}).map(
    ([name, password]) => `ejabberd_auth:try_register(${binary(name)}, ${binary(domain)}, ${binary(password)})`,
  );
  // Without a node's name it needs no epmd, which would stay behind.
  const erlang = (folder: string) => [
    ...['-noinput', '-mnesia', 'dir', quoted(path.join(folder, 'spool')), '-s', 'ejabberd'],
    ...['-eval', `${[...register, `file:write_file(${quoted(path.join(folder, 'ready'))}, <<>>)`].join(', ')}.`],
  ];

  let folder = '';
  const server = await startServer({
    name: 'ejabberd',
    program: 'erl',
    env: { ERL_LIBS: libraries() ?? '' },
    prepare: async (temporary) => {
      folder = temporary;
      const file = path.join(folder, 'ejabberd.yml');
      await writeFile(file, configuration);
      const variables = { EJABBERD_CONFIG_PATH: file, EJABBERD_LOG_PATH: path.join(folder, 'ejabberd.log') };
      const set = Object.entries(variables).flatMap(([name, value]) => ['-env', name, value]);
      return [...set, ...erlang(folder)];
    },
    isReady: async () =>
      readdirSync(folder).includes('ready') && speaksXmpp(c2sPort, domain, componentPort, components[0]?.domain),
  });
  return Object.assign(server, { domain, c2sPort, componentPort });
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function binary(text: string): string {
  return `<<${quoted(text)}/utf8>>`;
}
