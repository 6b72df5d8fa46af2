import type { Queue } from 'bullmq';
import { type Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Config } from '../config/config.ts';
import { isLoopback } from '../config/hosts.ts';
import { dashboard, type HttpLog } from './dashboard.ts';
import { LoginThrottle } from './login-throttle.ts';
import { PAGE_POLICY, type PageWords, page } from './page.ts';
import { loopbackOnly, sameOrigin, securityHeaders } from './request-guards.ts';
import { signIn } from './sign-in.ts';

export interface HttpOptions {
  readonly config: Config['http'];
  /** What the dashboard shows. */
  readonly queues: readonly Queue[];
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  readonly readiness: () => Ready;
  readonly log: HttpLog;
  /** Its pages and its API, from the root on; without one the root is an overview. */
  readonly console?: Hono;
  /** What the overview says to who has not signed in; by default it is English. */
  readonly words?: (c: Context) => PageWords;
  /** Who has tried how many wrong passwords; for tests, whose clock is another. */
  readonly loginThrottle?: LoginThrottle;
}

/** What `/readyz` answers with. */
interface Ready {
  readonly ready: boolean;
  /** What keeps the proxy from its work, in plain words; empty when it is ready. */
  readonly problems: readonly string[];
  /** The same of what does not keep it from its work. */
  readonly warnings?: readonly string[];
  /** By the name of what is looked at. */
  readonly parts?: object;
}

/** @throws when the dashboard would be open to others than this machine */
export function createRoutes(options: HttpOptions): Hono {
  const { config, queues, metrics, log, loginThrottle: throttle = new LoginThrottle() } = options;
  const { user, password } = config;
  const open = password === undefined;
  const guard = open ? [] : signIn({ user, password, throttle, log });
  if (open && !isLoopback(config.host))
    throw new Error('The dashboard needs a password unless it is on a loopback address');

  const app = new Hono({ strict: false });
  app.use(securityHeaders);
  if (open) app.use(loopbackOnly);
  app.use(sameOrigin);
  app.get('/', (c, next) => {
    // Who has not signed in sees no more than /readyz tells everybody.
    const mayEnter = open || c.req.header('authorization') !== undefined;
    if (options.console !== undefined && mayEnter) return next();
    c.header('content-security-policy', PAGE_POLICY);
    c.header('vary', 'accept-language, cookie');
    return c.html(page(options.readiness(), options.console !== undefined, options.words?.(c)));
  });
  app.get('/healthz', (c) => c.text('ok\n'));
  app.get('/readyz', (c) => {
    const found = options.readiness();
    return c.json(found, found.ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => c.body(await metrics.render(), 200, { 'content-type': metrics.contentType }));
  app.route('/queues', dashboard({ path: '/queues', queues, guard }));
  if (options.console !== undefined) {
    const entered = new Hono();
    for (const handler of guard) entered.use(handler);
    app.route('/', entered.route('/', options.console));
  }
  app.notFound((c) => c.text('Not found\n', 404));
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse();
    log.error({ err: error, path: c.req.path }, 'HTTP request failed');
    return c.text('Something went wrong; the log says what.\n', 500);
  });
  return app;
}
