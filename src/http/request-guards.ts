import type { MiddlewareHandler } from 'hono';
import { isLoopback } from '../config/hosts.ts';

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The name in `name:port`; undefined when it is none. */
function hostName(host: string | undefined): string | undefined {
  const url = `http://${host ?? ''}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/**
 * Refuses requests that were meant for another name. A page whose name is made to resolve to this machine (DNS
 * rebinding) could otherwise read and press what is open to everybody on it. The port does not matter: a tunnel has
 * another.
 */
export const loopbackOnly: MiddlewareHandler = async (c, next) => {
  const name = hostName(c.req.header('host'));
  if (name === undefined || !isLoopback(name)) {
    return c.text('Without DASHBOARD_PASSWORD only requests for localhost are answered.\n', 403);
  }
  return next();
};

/**
 * Refuses what another site's page makes a browser send, which adds a remembered password by itself (CSRF). Programs
 * that are no browsers send neither of the two headers.
 */
export const sameOrigin: MiddlewareHandler = async (c, next) => {
  if (READING.has(c.req.method)) return next();
  const site = c.req.header('sec-fetch-site');
  const origin = c.req.header('origin');
  const foreign =
    // A browser's own word counts most: behind a proxy the host may be another one than the browser knows.
    site === undefined
      ? origin !== undefined && origin.replace(/^https?:\/\//, '') !== c.req.header('host')
      : site !== 'same-origin';
  if (foreign) return c.text('Refused: sent by a page of another site.\n', 403);
  return next();
};

/** Headers for every answer. What the answer is allowed to load is said by whoever makes it, if it is a page. */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  const { headers } = c.res;
  headers.set('x-content-type-options', 'nosniff');
  headers.set('x-frame-options', 'DENY');
  if (!headers.has('referrer-policy')) headers.set('referrer-policy', 'no-referrer');
  headers.set('cross-origin-resource-policy', 'same-origin');
  headers.set('cross-origin-opener-policy', 'same-origin');
  if (!headers.has('content-security-policy')) headers.set('content-security-policy', "default-src 'none'");
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
};
