import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import type { Queue } from 'bullmq';
import { Hono, type MiddlewareHandler } from 'hono';
import { isOffered, REFUSED, STYLE } from './offered.ts';
import { redact } from './redact.ts';

/** The part of pino that is used here. */
export interface HttpLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For an operator, under the names of the queues. */
const ABOUT: Readonly<Record<string, string>> = {
  redelivery:
    'Messages that are sent again, each with its next attempt. Made from the ledger: removing a job loses nothing.',
  expiry: 'Messages whose next date is their end.',
  undelivered: 'Failed: messages that expired or were rejected. Retry sends one after all.',
};

// The page brings scripts and styles of its own, styles also inline.
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Names a job by who wrote to whom, which is what an operator looks for in a list. */
function titleOf({ name, data }: { name?: string; data?: unknown }): string {
  const { from, to } = (data ?? {}) as { from?: unknown; to?: unknown };
  return typeof from === 'string' && typeof to === 'string' ? `${name}: ${from} → ${to}` : `${name}`;
}

/** Notes of jobs that are promoted (one, or all of a queue) whose will it is: else they come when they are due. */
async function wanted(queues: readonly Queue[], name: string, id: string | undefined): Promise<void> {
  const queue = queues.find((one) => one.name === name);
  if (queue === undefined) return;
  const jobs = id === undefined ? await queue.getDelayed() : [await queue.getJob(id)];
  for (const job of jobs) await job?.updateData({ ...job.data, wanted: true });
}

export interface DashboardOptions {
  readonly path: string;
  readonly queues: readonly Queue[];
  /** What a request must pass first. */
  readonly guard: readonly MiddlewareHandler[];
}

/**
 * Takes out of the page what it would load from elsewhere: it asks a font service for its fonts, and so would tell that
 * who looks at it; without them it shows the system's. And it hides what is not offered.
 */
function pageOfOurs(page: string): string {
  return page.replace(/[ \t]*<link\b[^>]*\bhref="(?:https?:)?\/\/[^>]*>\n?/g, '').replace('</head>', `${STYLE}</head>`);
}

/** What is completed was sent, or is a notice that was: there is nothing to try again. */
class BoardQueue extends BullMQAdapter {
  override readonly allowCompletedRetries = false;
}

/** bull-board. An operator may retry, promote and remove jobs. */
export function dashboard({ path, queues, guard }: DashboardOptions): Hono {
  const board = new HonoAdapter(serveStatic);
  board.setBasePath(path);
  createBullBoard({
    queues: queues.map((queue) => {
      const adapter = new BoardQueue(queue, { description: ABOUT[queue.name] ?? '' });
      for (const field of ['data', 'returnValue', 'progress'] as const) adapter.setFormatter(field, redact);
      adapter.setFormatter('name', titleOf);
      return adapter;
    }),
    serverAdapter: board,
    options: {
      uiConfig: {
        boardTitle: 'openfire-receipts',
        miscLinks: [{ text: 'Overview', url: '/' }],
        hideDocsLink: true,
        // Of a dead letter, the stack would come first; whose it is and why says more.
        jobDetails: { defaultTab: 'Data' },
      },
    },
  });

  const app = new Hono({ strict: false });
  for (const handler of guard) app.use(handler);
  app.use((c, next) => {
    if (isOffered(c.req.method, c.req.path.slice(path.length))) return next();
    return Promise.resolve(c.json({ error: REFUSED }, 405));
  });
  app.use(async (c, next) => {
    const [, name, id] = /^\/api\/queues\/([^/]+)(?:\/([^/]+))?\/promote$/.exec(c.req.path.slice(path.length)) ?? [];
    if (name !== undefined) await wanted(queues, decodeURIComponent(name), id && decodeURIComponent(id));
    await next();
  });
  app.use(async (c, next) => {
    await next();
    c.res.headers.set('content-security-policy', CONTENT_POLICY);
    if (c.res.ok && c.res.headers.get('content-type')?.startsWith('text/html'))
      c.res = new Response(pageOfOurs(await c.res.text()), c.res);
    // Their names have a hash of what is in them.
    if (c.res.ok && c.req.path.startsWith(`${path}/static/`))
      c.res.headers.set('cache-control', 'private, max-age=86400');
  });
  app.route('/', board.registerPlugin());
  return app;
}
