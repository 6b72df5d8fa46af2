import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { loopbackOnly, sameOrigin } from '../../src/http/request-guards.ts';
import type { Asset } from './build.ts';
import type { Line } from './relay.ts';
import { type Addressing, COMPONENT_DOMAIN, DOMAIN, NAMES, type Name, password, type Servers } from './servers.ts';

/** What can be done to the servers, by POST. */
const HURTS: Readonly<Record<string, (servers: Servers) => unknown>> = {
  'network/open': line('open'),
  'network/frozen': line('frozen'),
  'network/cut': line('cut'),
  'proxy/stop': (servers) => servers.stopProxy(),
  'proxy/start': (servers) => servers.startProxy(),
  'redis/stop': (servers) => servers.stopRedis(),
  'redis/start': (servers) => servers.startRedis(),
};

function line(to: Line) {
  return (servers: Servers) => servers.setNetwork('bob', to);
}

/** The page's server part: the demo's alone, for its own pages on this machine alone. */
export function createApp(servers: Servers, assets: ReadonlyMap<string, Asset>, addressing: Addressing): Hono {
  // Other sites' pages cannot read it, so they cannot hurt anything.
  const token = randomBytes(24).toString('base64url');
  const run = randomBytes(6).toString('base64url');
  const app = new Hono();
  app.use(headers(servers), loopbackOnly, sameOrigin);

  app.get('/', (c) => page(c, assets.get('/index.html'), { token, addressing }));
  app.get('/person', (c) => page(c, assets.get('/person.html'), { token, addressing }));
  app.get('/assets/:name', (c) => {
    const asset = assets.get(c.req.path);
    return asset === undefined ? c.notFound() : c.body(asset.body, 200, { 'content-type': asset.type });
  });

  app.use('/api/*', async (c, next) => {
    if (!isSame(c.req.header('x-demo-token') ?? '', token)) return c.json({ error: 'The token is missing' }, 403);
    return next();
  });
  app.get('/api/health', (c) => c.json(servers.health()));
  app.get('/api/figures', async (c) => {
    const figures = (await servers.figures()) ?? null;
    // Only now: meanwhile somebody may have pressed a button.
    return c.json({ ...servers.health(), figures });
  });
  app.get('/api/person/:name', (c) => {
    const name = asName(c.req.param('name'));
    if (name === undefined) return c.notFound();
    const account = { username: name, password: password(name), domain: DOMAIN, component: COMPONENT_DOMAIN };
    return c.json({ ...account, service: servers.websocket(name), run });
  });
  app.get('/api/life/:from/:to/:id', async (c) => {
    const [from, to] = [asName(c.req.param('from')), asName(c.req.param('to'))];
    if (from === undefined || to === undefined) return c.notFound();
    try {
      return c.json({ life: (await servers.life(from, to, c.req.param('id'))) ?? null });
    } catch {
      return c.json({ error: 'Redis does not answer' }, 503);
    }
  });
  app.post('/api/:what/:how', async (c) => {
    const hurt = HURTS[`${c.req.param('what')}/${c.req.param('how')}`];
    if (hurt === undefined) return c.notFound();
    await hurt(servers);
    return c.json(servers.health());
  });
  app.notFound((c) => c.text('Not found\n', 404));
  app.onError((error, c) => c.json({ error: error.message }, 500));
  return app;
}

function headers(servers: Servers): MiddlewareHandler {
  const sockets = NAMES.map((name) => new URL(servers.websocket(name)).origin).join(' ');
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${sockets}`,
    "frame-src 'self'",
    "frame-ancestors 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return async (c, next) => {
    await next();
    c.res.headers.set('content-security-policy', policy);
    c.res.headers.set('x-content-type-options', 'nosniff');
    c.res.headers.set('x-frame-options', 'SAMEORIGIN');
    c.res.headers.set('referrer-policy', 'no-referrer');
    c.res.headers.set('cross-origin-resource-policy', 'same-origin');
    c.res.headers.set('cross-origin-opener-policy', 'same-origin');
    c.res.headers.set('cache-control', 'no-store');
  };
}

function page(c: Context, asset: Asset | undefined, { token, addressing }: { token: string; addressing: Addressing }) {
  return c.html(
    String(asset?.body ?? '')
      .replace('%TOKEN%', token)
      .replace('%ADDRESSING%', addressing),
  );
}

function asName(text: string): Name | undefined {
  return NAMES.find((name) => name === text);
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
