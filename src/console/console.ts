import { Hono } from 'hono';
import { apiRoutes } from './api/routes.ts';
import { ASSETS } from './assets.ts';
import type { History } from './history.ts';
import { pageRoutes } from './page-routes.ts';
import type { ConsolePorts } from './ports.ts';

export interface Console {
  /** What it serves, from the root on; who may see it is somebody else's to ask. */
  readonly app: Hono;
  readonly history: History;
}

/** What a page may load: what is served here, and nothing else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** The web console for operators, its pages and its API. */
export function createConsole(ports: ConsolePorts): Console {
  const app = new Hono({ strict: false });
  app.use(async (c, next) => {
    await next();
    c.header('content-security-policy', POLICY);
    // Without it a browser does not say of a form whose page it is from, and it could not be told from another site's.
    c.header('referrer-policy', 'same-origin');
  });
  for (const { path, type, body } of Object.values(ASSETS)) {
    app.get(path, (c) =>
      c.body(body, 200, { 'content-type': type, 'cache-control': 'private, max-age=31536000, immutable' }),
    );
  }
  app.route('/api', apiRoutes(ports));
  app.route('/', pageRoutes(ports));
  return { app, history: ports.history };
}
