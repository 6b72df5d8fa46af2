import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { loadConfig } from '../../src/config/config.ts';
import { ConfigError, type Environment, readEnvironment, unknownInDotEnv } from '../../src/config/environment.ts';
import { isLoopback } from '../../src/config/hosts.ts';
import { CERT, KEY } from '../fixtures/redis-tls.ts';

const LEAST = { XMPP_COMPONENT_DOMAIN: 'receipts.example.org', XMPP_COMPONENT_SECRET: 'hush' };
const DAY = 86_400_000;

const load = (env: Environment = {}) => loadConfig({ ...LEAST, ...env });

function problemsOf(env: Environment): readonly string[] {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'config-'));
});

afterAll(() => rmSync(dir, { recursive: true }));

describe('what is right', () => {
  test('two variables are enough', () => {
    expect(load()).toEqual({
      xmpp: {
        service: 'xmpp://127.0.0.1:5275',
        componentDomain: 'receipts.example.org',
        componentSecret: 'hush',
        servedDomain: 'example.org',
        allowedDomains: [],
        admins: [],
      },
      gate: { mode: 'subdomain', proofCounts: 'redelivery', proofGrace: 5000 },
      redis: { url: 'redis://127.0.0.1:6379', prefix: '{receipts}' },
      durability: 'memory',
      ack: { format: 'receipt', from: 'component' },
      retry: {
        schedule: [30_000, 120_000, 600_000, 3_600_000, 21_600_000],
        messageTtl: 7 * DAY,
        dedupWindow: 8 * DAY,
        undeliveredRetention: 30 * DAY,
        unconfirmedRetries: 1,
        unconfirmedRetryAfter: 900_000,
        receiptGap: 10_000,
        redeliveryWindow: 32,
      },
      maxStanzaBytes: 262_144,
      http: { host: '127.0.0.1', port: 3184, user: 'admin' },
      logLevel: 'info',
      logBodies: false,
      quotas: {
        rate: 100,
        burst: 2000,
        messages: 20_000,
        bytes: 33_554_432,
        toOne: 10_000,
        domainShares: 10,
        reserve: 0.1,
      },
      activeProcesses: 'all',
      traceSpans: 'off',
      shutdownTimeout: 10_000,
    });
  });

  test('an empty variable is an unset one, and spaces around a value do not count', () => {
    expect(
      load({ XMPP_SERVED_DOMAIN: ' ', DASHBOARD_PASSWORD: '', RETRY_SCHEDULE: ' 1s , 2s\n', HTTP_PORT: '' }),
    ).toEqual({
      ...load(),
      retry: { ...load().retry, schedule: [1000, 2000] },
    });
  });

  test('administrators are each named once, however they are spelt', () => {
    const env = {
      XMPP_SERVED_DOMAIN: 'bücher.example',
      ADMIN_JIDS: ' Admin@BÜCHER.example., admin@bücher.example ,b@xn--bcher-kva.example',
    };
    expect(load(env).xmpp.admins).toEqual(['admin@bücher.example', 'b@xn--bcher-kva.example']);
  });

  test('but in a secret they do', () => {
    expect(load({ XMPP_COMPONENT_SECRET: ' hush ' }).xmpp.componentSecret).toBe(' hush ');
  });

  test.each([
    ['xmpp://xmpp.example.org', 'xmpp://xmpp.example.org:5275'],
    ['xmpps://xmpp.example.org', 'xmpps://xmpp.example.org:5276'],
    ['XMPP://Openfire_1:5299/', 'xmpp://openfire_1:5299'],
    ['xmpp://[::1]:5275', 'xmpp://[::1]:5275'],
    ['xmpp://bücher.example', 'xmpp://xn--bcher-kva.example:5275'],
  ])('the service %s is %s', (given, service) => {
    expect(load({ XMPP_SERVICE: given }).xmpp.service).toBe(service);
    expect(new URL(service).port).toMatch(/^52/);
  });

  test('domains are in lower case, and stay Unicode', () => {
    const { xmpp } = load({ XMPP_COMPONENT_DOMAIN: 'Quittungen.BÜCHER.example.' });
    expect(xmpp).toMatchObject({ componentDomain: 'quittungen.bücher.example', servedDomain: 'bücher.example' });
  });

  test.each([
    'redis://h',
    'redis://:pw@h:1/2',
    'rediss://user:p%40w@h:6380',
    'redis://[::1]:6379/0',
    'unix:///run/redis/redis.sock',
    'unix://user:p%40w@/run/redis.sock?db=2',
  ])('%s', (url) => {
    expect(load({ REDIS_URL: url }).redis.url).toBe(url);
  });

  test('the certificate is read from its file', () => {
    const path = join(dir, 'ca.pem');
    const pem = `# Two of them\n${rootCertificates.slice(0, 2).join('\n')}\n`;
    writeFileSync(path, pem);
    expect(load({ XMPP_SERVICE: 'xmpps://h', XMPP_TLS_CA: path }).xmpp.tlsCa).toBe(pem);
  });

  test('Redis by its sentinels', () => {
    const given = { REDIS_SENTINELS: 's1, s2:26380,[::1]:5', REDIS_MASTER_NAME: 'm.1', REDIS_SENTINEL_PASSWORD: ' p ' };
    expect(load(given).redis.sentinels).toEqual({
      addresses: [
        { host: 's1', port: 26379 },
        { host: 's2', port: 26380 },
        { host: '::1', port: 5 },
      ],
      masterName: 'm.1',
      password: ' p ',
    });
    expect(load({}).redis).not.toHaveProperty('sentinels');
  });

  test('Redis by nodes of its cluster', () => {
    expect(load({ REDIS_CLUSTER: 'n1,[::1]:5', REDIS_URL: 'redis://:p@any/0' }).redis.cluster).toEqual([
      { host: 'n1', port: 6379 },
      { host: '::1', port: 5 },
    ]);
    expect(load({}).redis).not.toHaveProperty('cluster');
  });

  test('certificates for Redis are read from their files', () => {
    const [certFile, keyFile] = [join(dir, 'redis.pem'), join(dir, 'redis.key')];
    writeFileSync(certFile, CERT);
    writeFileSync(keyFile, KEY);
    const url = { REDIS_URL: 'rediss://h' };
    const all = { ...url, REDIS_TLS_CA: certFile, REDIS_TLS_CERT: certFile, REDIS_TLS_KEY: keyFile };
    expect(load(all).redis.tls).toEqual({ ca: CERT, cert: CERT, key: KEY });
    expect(load({ ...url, REDIS_TLS_CA: certFile }).redis.tls).toEqual({ ca: CERT });
  });

  test('every other value', () => {
    const config = load({
      XMPP_SERVED_DOMAIN: 'localhost',
      ALLOWED_DOMAINS: 'Other.org, bücher.example',
      REDIS_PREFIX: 'chat:{r}',
      ACK_FORMAT: 'none',
      ACK_FROM: 'recipient',
      UNCONFIRMED_RETRIES: '0',
      MAX_STANZA_BYTES: '10000',
      HTTP_HOST: '[::]',
      HTTP_PORT: '0',
      DASHBOARD_USER: 'ops',
      DASHBOARD_PASSWORD: 'pä:ss',
      LOG_LEVEL: 'silent',
      LOG_BODIES: 'true',
      SHUTDOWN_TIMEOUT: '500ms',
    });
    expect(config).toMatchObject({
      xmpp: { servedDomain: 'localhost', allowedDomains: ['other.org', 'bücher.example'] },
      redis: { prefix: 'chat:{r}' },
      ack: { format: 'none', from: 'recipient' },
      retry: { unconfirmedRetries: 0 },
      maxStanzaBytes: 10_000,
      http: { host: '::', port: 0, user: 'ops', password: 'pä:ss' },
      logLevel: 'silent',
      logBodies: true,
      shutdownTimeout: 500,
    });
  });
});

describe('what is wrong', () => {
  test('is said all at once, with what was got and what is wanted', () => {
    expect(
      problemsOf({
        XMPP_COMPONENT_DOMAIN: undefined,
        RETRY_SCHEDULE: '30s,soon',
        MESSAGE_TTL: '9d',
        HTTP_HOST: '0.0.0.0',
        ACK_FORM: 'stored',
      }),
    ).toEqual([
      'XMPP_COMPONENT_DOMAIN: got nothing, and is required; wants a domain, such as receipts.example.org',
      'RETRY_SCHEDULE: got "30s,soon"; wants 1 to 20 durations separated by commas, such as 30s,2m,1h',
      'DEDUP_WINDOW: got 8d; wants not less than MESSAGE_TTL (9d)',
      'DASHBOARD_PASSWORD: got nothing; wants a password, since HTTP_HOST (0.0.0.0) is not a loopback address',
      'ACK_FORM: there is no such variable; did you mean ACK_FROM?',
    ]);
  });

  test.each([
    [
      'XMPP_SERVICE',
      ['http://h', 'xmpp:h', 'xmpp://', 'xmpp://h:0', 'xmpp://h:65536', 'xmpp://h/x', 'xmpp://%zz', 'xmpp://[h]'],
    ],
    ['XMPP_COMPONENT_DOMAIN', ['a b', 'a..b', 'a@b.c', 'a/b', 'a:5275', '-a.b', '.', 'a%2eb', `${'a'.repeat(64)}.b`]],
    ['XMPP_COMPONENT_SECRET', ['a\nb', 'a\u0000']],
    [
      'ADMIN_JIDS',
      ['admin', 'a@b@c', 'a b@c', '@b', 'a@', 'a@example.org/desk', 'a@example.org,,b@example.org', 'a@b..c'],
    ],
    [
      'ALLOWED_DOMAINS',
      ['a b', 'other.org,', ',', 'a@b.c', 'other.org;third.example', Array(101).fill('a.b').join(',')],
    ],
    ['REDIS_URL', ['h:6379', 'http://h', 'redis://', 'redis://h/db', 'redis://h:0', 'redis://h:99999']],
    [
      'REDIS_URL',
      [
        'unix://',
        'unix:///',
        'unix://run/redis.sock',
        'unix:/run/redis.sock',
        '/run/redis.sock',
        'unix:///run/',
        'unix:///run/r.sock?db=a',
        'unix:///run/r.sock?password=pw',
        'unix:///run/r.sock#1',
        'unix:///run/%zz',
        'unix:///run/%00',
        `unix:///${'a'.repeat(107)}`,
      ],
    ],
    ['REDIS_PREFIX', ['receipts', '{}', '{}{a}', 'a}b{', '{a b}']],
    ['DURABILITY', ['ram', 'replicas', 'replicas:0', 'replicas:10', 'Disk']],
    ['ACK_FORMAT', ['Receipt', 'all']],
    ['RETRY_SCHEDULE', [',', '0s', '1s,', '-1s', Array(21).fill('1s').join(',')]],
    ['MESSAGE_TTL', ['0d', '7', '7 d', '4000d']],
    ['UNCONFIRMED_RETRIES', ['-1', '1.5', '101', '0x1']],
    ['MAX_STANZA_BYTES', ['9999', '1e5', '10485761']],
    ['HTTP_HOST', ['a:1', 'a/b', 'http://a']],
    ['HTTP_PORT', ['65536', 'http']],
    ['DASHBOARD_USER', ['a:b']],
    ['LOG_LEVEL', ['loud']],
    ['LOG_BODIES', ['yes', '1', 'TRUE', 'constructor']],
    ['SHUTDOWN_TIMEOUT', ['0s', '11m']],
  ] as const)('%s', (name, values) => {
    for (const value of values)
      expect(problemsOf({ [name]: value })[0]).toMatch(new RegExp(`^${name}: got .+; wants .+`));
  });

  test('an administrator who is not served', () => {
    expect(problemsOf({ ADMIN_JIDS: 'admin@example.org, eve@other.org' })[0]).toMatch(
      /^ADMIN_JIDS: got .+; wants users of example.org \(XMPP_SERVED_DOMAIN\), since no others are served$/,
    );
  });

  test('a domain of our own among those of others', () => {
    for (const own of ['receipts.example.org', 'EXAMPLE.org.']) {
      expect(problemsOf({ ALLOWED_DOMAINS: `other.org,${own}` })).toEqual([
        `ALLOWED_DOMAINS: got "other.org,${own}"; wants other domains than XMPP_COMPONENT_DOMAIN and XMPP_SERVED_DOMAIN`,
      ]);
    }
  });

  test('a component that would serve itself, however it is spelt', () => {
    const env = { XMPP_COMPONENT_DOMAIN: 'r.bücher.example', XMPP_SERVED_DOMAIN: 'R.xn--bcher-kva.example.' };
    expect(problemsOf(env)).toEqual([
      'XMPP_SERVED_DOMAIN: got "R.xn--bcher-kva.example."; wants another domain than XMPP_COMPONENT_DOMAIN',
    ]);
  });

  test('a component domain that leaves nothing to serve', () => {
    expect(problemsOf({ XMPP_COMPONENT_DOMAIN: 'receipts' })).toEqual([
      'XMPP_SERVED_DOMAIN: got nothing; wants a domain, since XMPP_COMPONENT_DOMAIN (receipts) has only one label',
    ]);
  });

  test('a certificate that is none, or is not used', () => {
    const path = join(dir, 'no.pem');
    writeFileSync(path, '-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n');
    const service = { XMPP_SERVICE: 'xmpps://h' };
    expect(problemsOf({ ...service, XMPP_TLS_CA: path })[0]).toMatch(/wants the path of a file with certificates/);
    expect(problemsOf({ ...service, XMPP_TLS_CA: join(dir, 'gone') })[0]).toMatch(/can be read \(ENOENT\)$/);
    writeFileSync(path, rootCertificates[0] as string);
    expect(problemsOf({ XMPP_TLS_CA: path })[0]).toMatch(/^XMPP_SERVICE: .* wants xmpps/);
  });

  test.each([
    [{ REDIS_SENTINELS: 'h:0' }, /^REDIS_SENTINELS: .*host:port/],
    [{ REDIS_SENTINELS: 'h,' }, /^REDIS_SENTINELS: .*host:port/],
    [{ REDIS_CLUSTER: 'h:x' }, /^REDIS_CLUSTER: .*host:port.* 6379/],
    [{ REDIS_CLUSTER: 'h', REDIS_SENTINELS: 's' }, /^REDIS_CLUSTER and REDIS_SENTINELS: got both/],
    [{ REDIS_CLUSTER: 'h', REDIS_URL: 'redis://h/2' }, /^REDIS_URL: got a database; wants none with REDIS_CLUSTER/],
    [
      { REDIS_CLUSTER: 'h', REDIS_URL: 'unix:///r.sock' },
      /^REDIS_URL: got unix:\/\/; wants redis:\/\/ or rediss:\/\/ with REDIS_CLUSTER/,
    ],
    [{ REDIS_SENTINELS: 'h', REDIS_URL: 'unix://:p@/r.sock' }, /^REDIS_URL: got unix:\/\/; .* with REDIS_SENTINELS/],
    [{ REDIS_MASTER_NAME: 'm' }, /^REDIS_SENTINELS: got nothing; .* since REDIS_MASTER_NAME is set/],
    [{ REDIS_SENTINEL_PASSWORD: 'p' }, /^REDIS_SENTINELS: got nothing; .* since REDIS_SENTINEL_PASSWORD is set/],
    [{ REDIS_SENTINELS: 'h', REDIS_SENTINEL_USER: 'u' }, /^REDIS_SENTINEL_PASSWORD: got nothing/],
  ])('%j', (given, said) => {
    const problems = problemsOf(given);
    expect([problems.length, problems[0]]).toEqual([1, expect.stringMatching(said)]);
  });

  test('a key for Redis that is none, is of another certificate, or stands alone', () => {
    const [certFile, keyFile, other] = [join(dir, 'r.pem'), join(dir, 'r.key'), join(dir, 'other.pem')];
    writeFileSync(certFile, CERT);
    writeFileSync(keyFile, KEY);
    writeFileSync(other, rootCertificates[0] as string);
    const url = { REDIS_URL: 'rediss://h' };
    expect(problemsOf({ ...url, REDIS_TLS_CERT: certFile, REDIS_TLS_KEY: certFile })[0]).toMatch(/with a private key/);
    expect(problemsOf({ ...url, REDIS_TLS_CERT: other, REDIS_TLS_KEY: keyFile })[0]).toMatch(/the key of another/);
    expect(problemsOf({ ...url, REDIS_TLS_KEY: keyFile })[0]).toMatch(/got one of them; want both/);
    expect(problemsOf({ REDIS_TLS_CA: certFile })[0]).toMatch(/^REDIS_URL: .* wants rediss/);
    const socket = problemsOf({ REDIS_TLS_CA: certFile, REDIS_URL: 'unix:///r.sock' });
    expect(socket).toEqual(['REDIS_URL: got unix://; wants rediss:// when REDIS_TLS_CA is set, or there is no TLS']);
  });

  test('is shown in one line, cut short', () => {
    const [problem] = problemsOf({ ACK_FROM: `a\nb${'c'.repeat(1000)}` });
    expect(problem).toContain('got "a\\nbccc');
    expect(problem?.length).toBeLessThan(200);
  });

  test('never shows a secret', () => {
    const error = problemsOf({
      XMPP_SERVICE: 'xmpp://user:hu7/8sh@host',
      XMPP_COMPONENT_SECRET: 'hu7/8sh\n',
      XMPP_COMPONENT_SECERT: 'hu7/8sh',
      REDIS_URL: 'redis:hu7/8sh',
      DASHBOARD_PASSWORD: 'hu7/8sh\n',
      HTTP_HOST: 'admin:hu7/8sh@host',
    });
    expect(error).toHaveLength(6);
    expect(error.join()).not.toMatch(/hu7|8sh/);
  });
});

describe('what is misspelt', () => {
  test.each([
    ['XMPP_SERVISE', 'XMPP_SERVICE'],
    ['XMPP_COMPONENT_SECERT', 'XMPP_COMPONENT_SECRET'],
    ['XMPP_SERVED_DOMIAN', 'XMPP_SERVED_DOMAIN'],
    ['XMPP_DOMAIN', 'XMPP_SERVED_DOMAIN'],
    ['XMPP_TLS_CA_FILE', 'XMPP_TLS_CA'],
    ['XMMP_SERVICE', 'XMPP_SERVICE'],
    ['xmpp_service', 'XMPP_SERVICE'],
    ['RETRY_SHEDULE', 'RETRY_SCHEDULE'],
    ['RETRIES_SCHEDULE', 'RETRY_SCHEDULE'],
    ['REDIS_URI', 'REDIS_URL'],
    ['ACK_FORMT', 'ACK_FORMAT'],
    ['HTTP_PROT', 'HTTP_PORT'],
    ['DASHBORD_PASSWORD', 'DASHBOARD_PASSWORD'],
    ['DEDUP_WINDOWS', 'DEDUP_WINDOW'],
    ['UNCONFIRMED_RETRYS', 'UNCONFIRMED_RETRIES'],
  ])('%s is pointed out', (name, meant) => {
    expect(problemsOf({ [name]: 'x' })).toEqual([`${name}: there is no such variable; did you mean ${meant}?`]);
  });

  test.each([
    'HOME',
    'NODE',
    'http_mode',
    'HTTP_PROXY',
    'http_proxy',
    'HTTPS_PROXY',
    'NO_PROXY',
    'REDIS_HOST',
    'REDIS_PORT',
    'REDIS_DB',
    'REDIS_PASSWORD',
    'REDIS_NAME',
    'REDIS_PORT_6379_TCP',
    'REDIS_PORT_6379_TCP_ADDR',
    'REDIS_SERVICE_HOST',
    'XMPP_PORT',
    'XMPP_SERVICE_HOST',
    'XMPP_SERVICE_PORT',
    'XMPP_SERVICE_PORT_C2S',
    'XMPP_PORT_5275_TCP_PROTO',
    'LOGNAME',
    'MAIL',
    'E2E_DOMAIN',
    'XMPP_PASSWORD',
  ])('%s is somebody else’s', (name) => {
    expect(problemsOf({ [name]: 'x' })).toEqual([]);
  });

  test('a name like one that is set as it should be is somebody else’s too', () => {
    expect(problemsOf({ REDIS_URI: 'x', REDIS_URL: 'redis://h' })).toEqual([]);
  });
});

describe('a name in .env that there is not', () => {
  const problemsOfFile = (...names: string[]): readonly string[] => {
    try {
      loadConfig(LEAST, names);
      return [];
    } catch (error) {
      return (error as ConfigError).problems;
    }
  };

  test.each([
    ['REDIS_URI', 'REDIS_URL'],
    ['REDIS_HOST', 'REDIS_URL'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['log_level', 'LOG_LEVEL'],
    ['XMPP_SECRET', 'XMPP_COMPONENT_SECRET'],
    ['XMPP_PORT', 'XMPP_SERVICE'],
    ['XMPP_PASSWORD', 'XMPP_COMPONENT_SECRET'],
    ['DASHBOARD_PASS', 'DASHBOARD_PASSWORD'],
    ['TTL', undefined],
    ['COMPOSE_PROJECT_NAME', undefined],
    ['NODE_ENV', undefined],
    ['TZ', undefined],
  ])('%s: did you mean %s?', (name, meant) => {
    const said = meant === undefined ? [] : [`${name} (in .env): there is no such variable; did you mean ${meant}?`];
    expect(problemsOfFile(name)).toEqual(said);
  });

  test('is found in the file, and in no other place', () => {
    mkdirSync(join(dir, 'names'));
    writeFileSync(join(dir, 'names', '.env'), 'XMPP_SECRET=x\n# REDIS_URI=x\nREDIS_URL=redis://h\nFOO=\n');
    expect(unknownInDotEnv(join(dir, 'names')).sort()).toEqual(['FOO', 'XMPP_SECRET']);
    expect(unknownInDotEnv(join(dir, 'nowhere'))).toEqual([]);
  });
});

describe('.env', () => {
  test('is read if it is there, and the environment counts more', () => {
    expect(readEnvironment(join(dir, 'nowhere'))).toEqual({ ...process.env });
    writeFileSync(join(dir, '.env'), "# a comment\nHOME=nowhere\nXMPP_COMPONENT_SECRET='a # b'\nREDIS_PREFIX={x}\n");
    expect(readEnvironment(dir)).toEqual({ XMPP_COMPONENT_SECRET: 'a # b', REDIS_PREFIX: '{x}', ...process.env });
  });

  test('that cannot be read is a fault', () => {
    mkdirSync(join(dir, 'folder', '.env'), { recursive: true });
    expect(() => readEnvironment(join(dir, 'folder'))).toThrow(ConfigError);
  });
});

test.each([
  ['127.0.0.1', true],
  ['127.255.0.3', true],
  ['::1', true],
  ['[::1]', true],
  ['LocalHost', true],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
])('%s is loopback: %s', (host, loopback) => {
  expect(isLoopback(host)).toBe(loopback);
});
