import http from 'node:http';
import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq';
import type { Config } from '../../src/config/config.ts';
import { type HttpServer, startHttp } from '../../src/http/server.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';

const OPEN: Config['http'] = { host: '127.0.0.1', port: 0, user: 'admin' };
const PASSWORD = 'pässword';
const CLOSED: Config['http'] = { ...OPEN, password: PASSWORD };
const SIGNED_IN = { authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}` };
const BODY = 'Meet me at the old mill';

let redis: RedisServer;
let connection: { host: string; port: number };
let undelivered: Queue;
let problems: string[];
let warnings: string[];
const servers: HttpServer[] = [];

async function serve(config = OPEN, metrics = new Metrics()): Promise<HttpServer> {
  const log = { info: () => {}, warn: (_: object, text: string) => warnings.push(text), error: () => {} };
  const readiness = () => ({ ready: problems.length === 0, problems });
  const server = await startHttp({ config, queues: [undelivered], metrics, readiness, log });
  servers.push(server);
  return server;
}

/** A request with headers that fetch would not let us set. */
function ask(url: string, headers: Record<string, string>, method = 'GET'): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false }, async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      resolve({ status: response.statusCode ?? 0, text });
    });
    request.on('error', reject).end();
  });
}

const status = async (url: string, headers: Record<string, string> = {}, method = 'GET') =>
  (await ask(url, headers, method)).status;

beforeAll(async () => {
  redis = await startRedis();
  connection = { host: '127.0.0.1', port: Number(new URL(redis.url).port) };
  undelivered = new Queue('undelivered', { connection, prefix: '{receipts}' });
  await undelivered.waitUntilReady();
});

afterAll(async () => {
  await undelivered?.close();
  await redis?.stop();
});

beforeEach(() => {
  problems = [];
  warnings = [];
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await undelivered.obliterate({ force: true });
});

describe('health', () => {
  test('the process is alive, whatever it lacks', async () => {
    problems = ['No link to the XMPP server: connecting'];
    const { url } = await serve();
    const response = await fetch(`${url}/healthz`);
    expect([response.status, await response.text()]).toEqual([200, 'ok\n']);
  });

  test('it is ready when nothing is wrong', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/readyz`);
    expect([response.status, await response.json()]).toEqual([200, { ready: true, problems: [] }]);
  });

  test('it says in words what is wrong', async () => {
    problems = ['No link to the XMPP server: the secret is wrong'];
    const { url } = await serve();
    const response = await fetch(`${url}/readyz/`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      ready: false,
      problems: ['No link to the XMPP server: the secret is wrong'],
    });
  });

  test('the first page tells, escapes and links', async () => {
    problems = ['Redis says <script>alert(1)</script>'];
    const { url } = await serve();
    const response = await fetch(url);
    const text = await response.text();
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(text).toContain('Redis says &lt;script&gt;');
    for (const path of ['/queues', '/readyz', '/healthz', '/metrics']) expect(text).toContain(`href="${path}"`);
  });
});

describe('metrics', () => {
  test('tell what was counted and what Redis knows', async () => {
    const figures = async () => ({
      pending: 7,
      oldestPendingAgeSeconds: 1.5,
      damaged: 0,
      undelivered: 2,
      paused: true,
    });
    const metrics = new Metrics({ figures, link: () => ({ up: true, reconnects: 3 }) });
    metrics.counts.accepted += 12;
    const { url } = await serve(OPEN, metrics);
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'openfire_receipts_accepted_total 12',
        'openfire_receipts_pending 7',
        'openfire_receipts_reconnects_total 3',
        'openfire_receipts_ledger_up 1',
      ]),
    );
  });
});

describe('the dashboard', () => {
  test('asks for name and password, with and without a slash at the end', async () => {
    const { url } = await serve(CLOSED);
    const wrong = { authorization: `Basic ${Buffer.from('admin:guess').toString('base64')}` };
    for (const path of ['/queues', '/queues/', '/queues/api/queues', '/queues/queue/undelivered']) {
      expect(await status(url + path)).toBe(401);
      expect(await status(url + path, wrong)).toBe(401);
      expect(await status(url + path, SIGNED_IN)).toBe(200);
    }
    expect(await status(`${url}/queues/api/queues/undelivered/pause`, {}, 'PUT')).toBe(401);
    expect(warnings).toEqual(Array(4).fill('Dashboard: wrong name or password'));
    expect((await fetch(`${url}/queues`)).headers.get('www-authenticate')).toBe('Basic realm="openfire-receipts"');
  });

  test('is not to be had around the password', async () => {
    const { url } = await serve(CLOSED);
    for (const path of [
      '/%71ueues',
      '//queues',
      '/queues//api/queues',
      '/./queues',
      '/x/../queues',
      '/QUEUES',
      '/queues%2F',
    ]) {
      expect(await ask(url + path, {})).not.toMatchObject({ status: 200 });
    }
  });

  test('leaves health and figures open to those who watch', async () => {
    const { url } = await serve(CLOSED);
    for (const path of ['/', '/healthz', '/readyz', '/metrics']) expect(await status(url + path)).toBe(200);
  });

  test('brings all that its page needs', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/queues`);
    const text = await response.text();
    expect(text).toContain('<base href="/queues/" />');
    const assets = [...text.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map((match) => match[1]);
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) expect(await status(`${url}/queues/${asset}`)).toBe(200);
    // Inline styles are its own; scripts are not allowed to be inline, and nothing comes from elsewhere.
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('http');
  });

  test('is not started without a password where others reach it', async () => {
    await expect(serve({ ...OPEN, host: '0.0.0.0' })).rejects.toThrow(/needs a password/);
  });

  test('never shows what users wrote', async () => {
    const data = {
      from: 'alice@example.org',
      body: BODY,
      deep: [{ stanzaXml: BODY }],
      text: `<message>${BODY}</message>`,
    };
    const job = await undelivered.add('message', data);
    const { url } = await serve();
    for (const path of ['/queues/api/queues?activeQueue=undelivered', `/queues/api/queues/undelivered/${job.id}`]) {
      const shown = await (await fetch(url + path)).text();
      expect(shown).toContain('alice@example.org');
      expect(shown).toContain('[redacted]');
      expect(shown).not.toContain(BODY);
    }
  });

  test('offers nothing that breaks the proxy, whatever asks for it', async () => {
    const job = await undelivered.add('message', { from: 'alice@example.org' }, { delay: 60_000 });
    const { url } = await serve();
    const api = `${url}/queues/api/queues`;
    const one = `${api}/undelivered`;
    const refused: [method: string, address: string][] = [
      ['PUT', `${api}/pause`],
      ...['pause', 'empty', 'obliterate', 'concurrency', 'rate-limit', 'rate-limit/release'].map(
        (what): [string, string] => ['PUT', `${one}/${what}`],
      ),
      ['POST', `${one}/add`],
      ['PATCH', `${one}/${job.id}/update-data`],
      ['PATCH', `${one}/${job.id}/delay`],
      ['PATCH', `${one}/${job.id}/priority`],
      ['PUT', `${one}/job-schedulers/sweep/remove`],
      ['PUT', `${one}/pause/`],
      ['PUT', `${api}//undelivered/pause`],
      ['PUT', `${one}/%70ause`],
      ['PUT', `${one}/x/../pause`],
    ];
    for (const [method, address] of refused) {
      const { status: got, text } = await ask(address, { 'content-type': 'application/json' }, method);
      expect([address, got >= 400]).toEqual([address, true]);
      if (got === 405) expect(text).toContain('Pause and resume redelivery');
    }
    expect(await undelivered.isPaused()).toBe(false);
    expect(await undelivered.getJob(job.id as string)).toMatchObject({ data: { from: 'alice@example.org' } });
    expect(await status(`${one}/${job.id}/promote`, {}, 'PUT')).toBe(204);
    // By this its worker tells it from one that a wrong clock has brought early.
    expect((await undelivered.getJob(job.id as string))?.data).toMatchObject({ wanted: true });
    expect(await status(`${one}/${job.id}/clean`, {}, 'PUT')).toBe(204);
    await undelivered.pause();
    expect(await status(`${one}/resume`, {}, 'PUT')).toBe(200);
    expect(await undelivered.isPaused()).toBe(false);
  });

  test('lets an operator retry a dead letter, which the worker can tell from a first run', async () => {
    const runs: number[] = [];
    const worker = new Worker(
      'undelivered',
      async (job: Job) => {
        runs.push(job.attemptsMade);
        if (job.attemptsMade === 0) throw new UnrecoverableError('No confirmation in time');
        return 'sent';
      },
      { connection: { ...connection, maxRetriesPerRequest: null }, prefix: '{receipts}' },
    );
    const next = (event: 'failed' | 'completed') => new Promise((resolve) => worker.once(event, resolve));
    try {
      const failed = next('failed');
      const { id } = await undelivered.add('message', { from: 'alice@example.org' });
      await failed;
      const { url } = await serve(CLOSED);
      const retry = `${url}/queues/api/queues/undelivered/${id}/retry`;
      expect(await status(retry, {}, 'PUT')).toBe(401);
      const completed = next('completed');
      expect(await status(retry, SIGNED_IN, 'PUT')).toBe(204);
      await completed;
      expect(runs).toEqual([0, 1]);
    } finally {
      await worker.close();
    }
  });
});

describe('a page of another site', () => {
  const press = async (url: string, headers: Record<string, string>) =>
    status(`${url}/queues/api/queues/undelivered/resume`, headers, 'PUT');

  test('presses no buttons, with or without the remembered password', async () => {
    for (const [config, signedIn] of [
      [OPEN, {}],
      [CLOSED, SIGNED_IN],
    ] as const) {
      const { url } = await serve(config);
      expect(await press(url, { ...signedIn, origin: 'https://evil.example' })).toBe(403);
      expect(await press(url, { ...signedIn, origin: 'null' })).toBe(403);
      expect(await press(url, { ...signedIn, 'sec-fetch-site': 'cross-site' })).toBe(403);
      expect(await press(url, { ...signedIn, origin: url })).toBe(200);
      expect(
        await press(url, { ...signedIn, origin: 'https://proxied.example', 'sec-fetch-site': 'same-origin' }),
      ).toBe(200);
      expect(await press(url, { ...signedIn })).toBe(200);
    }
  });

  test('reads nothing under a name that it made resolve to this machine', async () => {
    const { url, port } = await serve();
    for (const path of ['/', '/queues', '/metrics', '/readyz']) {
      expect(await status(url + path, { host: `evil.example:${port}` })).toBe(403);
      expect(await status(url + path, { host: '127.0.0.1.evil.example' })).toBe(403);
      expect(await status(url + path, { host: `localhost:${port}` })).toBe(200);
      expect(await status(url + path, { host: '[::1]:9999' })).toBe(200);
    }
  });

  test('may be a proxy with a name of its own when there is a password', async () => {
    const { url } = await serve(CLOSED);
    expect(await status(`${url}/queues`, { ...SIGNED_IN, host: 'receipts.example.org' })).toBe(200);
  });
});

describe('closing', () => {
  test('ends connections that are kept alive', async () => {
    const server = await serve();
    const agent = new http.Agent({ keepAlive: true });
    await new Promise((resolve) => http.get(`${server.url}/healthz`, { agent }, (r) => r.resume().on('end', resolve)));
    await server.close();
    await server.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
    agent.destroy();
  });

  test('does not wait for an answer that never comes', async () => {
    const server = await serve(OPEN, new Metrics({ figures: () => new Promise(() => {}) }));
    const asked = fetch(`${server.url}/metrics`).catch(() => 'ended');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.close();
    expect(await asked).toBe('ended');
  });

  test('a port that is taken is an error', async () => {
    const { port } = await serve();
    await expect(serve({ ...OPEN, port })).rejects.toThrow(/^HTTP_PORT: port \d+ of 127\.0\.0\.1 is taken/);
  });
});
