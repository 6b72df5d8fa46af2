import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import xml, { type Element } from '@xmpp/xml';

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

test('the alert rules in docs/operations.md name metrics that there are', () => {
  const block = read('docs/operations.md').match(/```yaml\n(groups:[\s\S]*?)```/)?.[1] ?? '';
  const { groups } = parseYaml(block) as { groups: { rules: { alert: string; expr: string }[] }[] };
  const metrics = groups.flatMap(({ rules }) =>
    rules.flatMap(({ expr }) => expr.match(/openfire_receipts_\w+/g) ?? []),
  );
  expect(metrics).not.toEqual([]);
  const documented = read('docs/metrics.md');
  for (const metric of metrics) expect(documented).toContain(metric);
});
