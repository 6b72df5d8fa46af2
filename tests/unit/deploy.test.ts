import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import xml, { type Element } from '@xmpp/xml';
import { loadConfig } from '../../src/config/config.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';

const REQUIRED = { XMPP_COMPONENT_DOMAIN: 'receipts.example.org', XMPP_COMPONENT_SECRET: 'hush' };

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

// knip brings a YAML parser along; one file to parse is no reason for a package of our own.
const { parse: parseYaml } = createRequire(new URL('node_modules/knip/package.json', root))('yaml') as {
  parse(text: string): unknown;
};

interface Service {
  image?: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  tmpfs?: string[];
  depends_on?: Record<string, { condition: string }>;
  stop_grace_period?: string;
}

const compose = parseYaml(read('docker-compose.yml')) as { services: Record<string, Service>; volumes: object };
const service = (name: string) => compose.services[name] as Service;
const dockerfile = read('Dockerfile');

/** The root of a document; throws when it is not well-formed. */
function parseXml(text: string): Element {
  const parser = new xml.Parser();
  let found: Element | undefined;
  let ended = false;
  parser.on('start', (element) => {
    found = element;
  });
  parser.on('element', (element) => found?.append(element));
  parser.on('end', () => {
    ended = true;
  });
  parser.on('error', (error) => {
    throw error;
  });
  // The parser has no use for what stands before the root.
  parser.write(text.slice(text.indexOf('<jive')));
  if (found === undefined || !ended) throw new Error('The document does not end');
  return found;
}

function textAt(element: Element, path: string): string | undefined {
  let at: Element | undefined = element;
  for (const name of path.split('/')) at = at?.getChild(name);
  return at?.getText();
}

function seconds(duration: string | undefined): number {
  return Number(duration?.match(/^(\d+)s$/)?.[1]);
}

describe('openfire.xml', () => {
  const jive = parseXml(read('openfire/openfire.xml'));
  const environment = service('receipts').environment ?? {};

  test('has the secret that the proxy uses', () => {
    expect(textAt(jive, 'xmpp/component/defaultSecret')).toBe(environment.XMPP_COMPONENT_SECRET);
  });

  test('serves the domain that the proxy serves', () => {
    expect(textAt(jive, 'autosetup/xmpp/domain')).toBe(environment.XMPP_SERVED_DOMAIN);
    expect(environment.XMPP_COMPONENT_DOMAIN).toMatch(new RegExp(`\\.${environment.XMPP_SERVED_DOMAIN}$`));
  });

  test('runs autosetup with a locale, which it requires', () => {
    expect(textAt(jive, 'autosetup/run')).toBe('true');
    expect(textAt(jive, 'autosetup/locale')).toBe('en');
  });

  test('gives alice and bob each other as contacts, by their own addresses', () => {
    const contact = 'roster/item1/jid';
    expect(environment.MODE).toBe('transparent');
    const { XMPP_SERVED_DOMAIN: domain } = environment;
    expect(textAt(jive, 'autosetup/users/user1/username')).toBe('alice');
    expect(textAt(jive, `autosetup/users/user1/${contact}`)).toBe(`bob@${domain}`);
    expect(textAt(jive, 'autosetup/users/user2/username')).toBe('bob');
    expect(textAt(jive, `autosetup/users/user2/${contact}`)).toBe(`alice@${domain}`);
  });
});

describe('docker-compose.yml', () => {
  test('sets up Openfire anew at each start', () => {
    expect(service('openfire').build).toBe('openfire');
    expect(service('openfire').tmpfs).toEqual(['/var/lib/openfire']);
    expect(service('openfire').volumes).toEqual([
      './openfire/openfire.xml:/usr/local/openfire/conf_org/openfire.xml:ro',
    ]);
  });

  test('has Redis keep on a named volume what is acknowledged', () => {
    expect(service('redis').command?.join(' ')).toBe(
      'redis-server --appendonly yes --appendfsync always --maxmemory 512mb --maxmemory-policy noeviction',
    );
    expect(service('redis').volumes).toEqual(['redis:/data']);
    expect(compose.volumes).toHaveProperty('redis');
  });

  test('publishes ports on loopback only', () => {
    const ports = Object.values(compose.services).flatMap((one) => one.ports ?? []);
    expect(ports).not.toEqual([]);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('starts the proxy when Redis is usable', () => {
    expect(service('receipts').depends_on).toEqual({
      redis: { condition: 'service_healthy' },
      openfire: { condition: 'service_started' },
    });
  });

  test('gives the proxy more time to stop than it takes', () => {
    const { environment, stop_grace_period } = service('receipts');
    expect(seconds(stop_grace_period)).toBeGreaterThan(seconds(environment?.SHUTDOWN_TIMEOUT));
  });

  test('sets only variables that there are', () => {
    const known = [...read('.env.example').matchAll(/^#? *([A-Z][A-Z_]+)=/gm)].map((match) => match[1]);
    expect(known).toEqual(expect.arrayContaining(Object.keys(service('receipts').environment ?? {})));
  });
});

describe('Dockerfile', () => {
  test('runs what the build makes, as an ordinary user, in exec form', () => {
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^CMD \["node", "--max-semi-space-size=128", "dist\/main\.js"\]$/m);
    expect(JSON.parse(read('package.json')).scripts.start).toBe('exec node --max-semi-space-size=128 dist/main.js');
  });

  test('copies only what .dockerignore lets through', () => {
    const allowed = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map((match) => match[1]);
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => match[1]?.split(' '));
    expect(new Set(copied)).toEqual(new Set(allowed));
  });
});

describe('openfire/Dockerfile', () => {
  const lines = read('openfire/Dockerfile').split('\n');
  const of = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.split(' ').slice(1));

  test('builds the plugin as `npm run plugin` does, and puts it into an Openfire of a fixed version', () => {
    expect(of('RUN')).toEqual([['sh', 'build.sh']]);
    const [, openfire] = of('FROM');
    expect(openfire?.[0]).toMatch(/^ghcr\.io\/igniterealtime\/openfire:v\d+\.\d+\.\d+$/);
    // What the script writes, in the folder where the stage has the sources.
    expect(read('openfire/plugin/build.sh')).toContain('mv "$work/receiptsgate.jar" dist/receiptsgate.jar');
    expect(of('WORKDIR')).toEqual([['/plugin']]);
    expect(of('COPY')).toEqual([
      ['plugin', './'],
      ['--from=plugin', '/plugin/dist/receiptsgate.jar', '/usr/local/openfire/plugins_org/receiptsgate.jar'],
    ]);
  });

  test('gets the sources of the plugin, and nothing else', () => {
    const ignored = read('openfire/.dockerignore').split('\n');
    expect(ignored.filter((line) => line !== '' && !line.startsWith('#'))).toEqual(['*', '!plugin', 'plugin/dist']);
  });
});

describe('the systemd unit', () => {
  const unit = new URL('deploy/systemd/openfire-receipts.service', root).pathname;
  const text = read('deploy/systemd/openfire-receipts.service');
  const analyze = (...args: string[]) => {
    const { error, status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    return error === undefined ? { status, said: stdout + stderr } : undefined;
  };
  const version = Number(/systemd (\d+)/.exec(analyze('--version')?.said ?? '')?.[1] ?? 0);

  test('starts what docs/operations.md installs, and knows when a restart is in vain', () => {
    expect(text).toMatch(/^ExecStart=\S+ --max-semi-space-size=128 (\S+) start --env-file %d\/settings$/m);
    const [, cli] = /^ExecStart=\S+ \S+ (\S+)/m.exec(text) ?? [];
    const [, prefix] = /npm install --omit=dev --prefix (\S+)/.exec(read('docs/operations.md')) ?? [];
    expect(cli).toBe(`${prefix}/node_modules/openfire-receipts/dist/cli.js`);
    const [, settings = ''] = /^LoadCredential=settings:(\S+)$/m.exec(text) ?? [];
    expect(read('docs/operations.md')).toContain(`install -m 0600 .env.example ${settings}`);
    expect(text).toMatch(/^RestartPreventExitStatus=78$/m);
    const stop = Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1]);
    expect(stop * 1000).toBeGreaterThan(loadConfig(REQUIRED).shutdownTimeout);
  });

  (version >= 250 ? test : test.skip)('is one that systemd takes, and exposes little', async () => {
    // The program need not be where the unit has it.
    const folder = await temporaryFolder('unit');
    const copy = path.join(folder, 'openfire-receipts.service');
    writeFileSync(copy, text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
    expect(analyze('verify', '--man=no', copy)).toMatchObject({ status: 0 });
    expect(analyze('security', '--offline=true', '--threshold=20', unit)).toMatchObject({ status: 0 });
    await removeFolder(folder);
  });
});

describe('the Kubernetes manifests', () => {
  interface Manifest {
    readonly kind: string;
    readonly metadata: { readonly name: string };
    // biome-ignore lint/suspicious/noExplicitAny: its shape is that of the kind.
    readonly [part: string]: any;
  }
  const manifest = (name: string) => parseYaml(read(`deploy/kubernetes/${name}.yaml`)) as Manifest;
  const pod = manifest('deployment').spec.template.spec;
  const container = pod.containers[0];
  const settings = { ...manifest('settings').data, ...manifest('secret').stringData } as Record<string, string>;

  test('are all in the kustomization, and bear one name', () => {
    const files = readdirSync(new URL('deploy/kubernetes/', root)).filter((name) => name.endsWith('.yaml'));
    const { resources, images } = manifest('kustomization');
    expect([...resources, 'kustomization.yaml'].sort()).toEqual(files.sort());
    expect(images[0].name).toBe(container.image);
    expect(images[0].newTag).toBe(JSON.parse(read('package.json')).version);
    const labels = manifest('deployment').spec.template.metadata.labels;
    for (const selector of [
      manifest('deployment').spec.selector.matchLabels,
      manifest('service').spec.selector,
      manifest('disruption-budget').spec.selector.matchLabels,
      manifest('network-policy').spec.podSelector.matchLabels,
    ])
      expect(selector).toEqual(labels);
  });

  test('have settings that the component takes, from what the container reads', () => {
    const config = loadConfig(settings);
    expect(config.http).toMatchObject({ host: '0.0.0.0', port: container.ports[0].containerPort });
    expect(config.redis.sentinels?.addresses).toHaveLength(3);
    expect(container.envFrom).toEqual([
      { configMapRef: { name: manifest('settings').metadata.name } },
      { secretRef: { name: manifest('secret').metadata.name } },
    ]);
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(config.shutdownTimeout);
  });

  test('restart what is not alive, and not what waits for Redis or the server', () => {
    expect(container.livenessProbe.httpGet.path).toBe('/healthz');
    expect(container.startupProbe.httpGet.path).toBe('/healthz');
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    expect(manifest('disruption-budget').spec.minAvailable).toBeLessThan(manifest('deployment').spec.replicas);
  });
});

describe('the workflows', () => {
  const workflow = (name: string) => read(`.github/workflows/${name}.yml`);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

  test.each(['ci', 'release'])('%s names scripts and files that there are', (name) => {
    const text = workflow(name);
    parseYaml(text);
    const tiers = /tier: (\[.*\])/.exec(text)?.[1];
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, script]) => script as string);
    const all = [...named, ...(tiers === undefined ? [] : (JSON.parse(tiers) as string[]))];
    expect(all.filter((script) => scripts[script] === undefined)).toEqual([]);
    const files = [...text.matchAll(/\b(?:tools|deploy)\/[\w./-]+\.(?:mjs|service)/g)].map(([file]) => file);
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([]);
    expect(files).not.toEqual([]);
  });

  test('ci runs every tier of tests', () => {
    for (const tier of Object.keys(scripts).filter((script) => script.startsWith('test:'))) {
      expect(workflow('ci')).toContain(tier);
    }
  });

  test('a release needs a tag, a version and a changelog that agree', () => {
    const notes = (tag: string) =>
      spawnSync(process.execPath, ['tools/release-notes.mjs', tag], { cwd: root, encoding: 'utf8' });
    const { version } = JSON.parse(read('package.json'));
    expect(notes('v99.0.0')).toMatchObject({
      status: 1,
      stderr: `The tag is v99.0.0, and package.json has ${version}\n`,
    });
    const released = read('CHANGELOG.md').includes(`## [${version}] - `);
    expect(notes(`v${version}`).status).toBe(released ? 0 : 1);
  });
});
