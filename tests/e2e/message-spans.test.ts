// TRACE_SPANS: what a process sends to an OpenTelemetry collector, and that without it nothing of the SDK is loaded.

import { readFileSync } from 'node:fs';
import { startTraceCollector } from '../support/process/trace-collector.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { World } from '../support/stages/world.ts';

const ROOT = new URL('../../', import.meta.url);

let world: World;
let proxy: ProxyProcess;

beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());
afterEach(async () => {
  await proxy.signal('SIGKILL');
  await world.empty();
});

/** Has a process say at its end which CommonJS modules it has loaded: the packages of OpenTelemetry are such. */
const SAYS = `import m from 'node:module';process.on('exit',()=>process.stderr.write(Object.keys(m._cache).join('\\n')))`;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(SAYS)}`;

test('a message that another process sends again is two spans of one trace, the second linked to the first', async () => {
  const collector = await startTraceCollector();
  const settings = {
    TRACE_SPANS: 'digests',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    RETRY_SCHEDULE: '1s',
    UNCONFIRMED_RETRY_AFTER: '1s',
    UNCONFIRMED_RETRIES: '100',
    LOG_LEVEL: 'info',
    SHUTDOWN_TIMEOUT: '60s',
    NODE_OPTIONS,
  };
  try {
    proxy = new ProxyProcess(world.environment(settings));
    await proxy.prints('The link is up');
    const alice = await world.user('alice');
    const bob = await world.user('bob', { autoReceipt: false });
    await alice.say(world.proxied('bob'), 'Meet me at the old mill', { id: 'again' });
    await bob.hears('Meet me at the old mill');
    expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
    // It has exported what it had open before it ended.
    expect(collector.spans).toHaveLength(1);
    expect(proxy.output).toMatch(/node_modules\/@opentelemetry\/sdk-trace-base/);

    proxy = new ProxyProcess(world.environment(settings));
    await proxy.prints('The link is up');
    await proxy.prints('Redelivering');
    await bob.send(
      `<message to="${world.proxied('alice')}"><received xmlns="urn:xmpp:receipts" id="again"/></message>`,
    );
    await alice.delivered('again');
    expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
  } finally {
    await collector.close();
  }
  const [first, second, ...others] = collector.spans;
  expect(others).toEqual([]);
  const steps = (span: typeof first) => span?.events?.map(({ name }) => name) ?? [];
  expect(steps(first).slice(0, 3)).toEqual(['accepted', 'acknowledged', 'forwarded']);
  expect(steps(first).at(-1)).toBe('left open');
  expect(first?.links ?? []).toEqual([]);
  expect(steps(second)).toEqual(expect.arrayContaining(['redelivered', 'confirmed', 'delivered']));
  expect(steps(second)).not.toContain('accepted');
  expect(second?.traceId).toBe(first?.traceId);
  expect(second?.links).toMatchObject([{ traceId: first?.traceId, spanId: first?.spanId }]);
  const received = collector.received();
  expect(received).toContain('openfire-receipts');
  for (const secret of ['old mill', 'alice', 'bob']) expect(received).not.toContain(secret);
});

test('without the setting nothing of the SDK is loaded', async () => {
  const settings = { LOG_LEVEL: 'info', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  proxy = new ProxyProcess(world.environment({ ...settings, NODE_OPTIONS }));
  await proxy.prints('The link is up');
  expect(await proxy.signal('SIGTERM')).toEqual({ code: 0, signal: null });
  // It says what it has loaded; the bare interface is loaded by prom-client.
  expect(proxy.output).toMatch(/node_modules\/prom-client/);
  expect(proxy.output).not.toMatch(/node_modules\/@opentelemetry\/(?!api\/)/);
});

test('the documents name the packages, as package.json does', () => {
  const { peerDependencies } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
  const command = Object.entries(peerDependencies).map(([name, version]) => `${name}@${version}`);
  const docs = readFileSync(new URL('docs/operations.md', ROOT), 'utf8');
  for (const one of command) expect(docs).toContain(one);
});
