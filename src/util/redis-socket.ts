/** Where and how Redis is reached over a Unix socket. */
export interface RedisSocket {
  readonly path: string;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
}

const SOCKET_URL = /^unix:\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?(\/[^?#]*[^/?#])(?:\?db=(\d+))?$/i;
/** Of a socket's address (unix(7), `sun_path` without its NUL), bytes: what is longer would be cut. */
const LONGEST_PATH = 107;

/**
 * Reads `unix://user:password@/path?db=1`, percent-encoded where it must be; `URL` does not read it, for with a user it wants a host.
 * Pure.
 *
 * @returns undefined when it is nothing of that kind
 */
export function readRedisSocket(url: string): RedisSocket | undefined {
  const [, user = '', secret = '', place, db = '0'] = SOCKET_URL.exec(url) ?? [];
  if (place === undefined) return undefined;
  try {
    const [path, username, password] = [place, user, secret].map(decodeURIComponent) as [string, string, string];
    if (Buffer.byteLength(path) > LONGEST_PATH || path.includes('\0')) return undefined;
    return { path, db: Number(db), ...(username !== '' && { username }), ...(password !== '' && { password }) };
  } catch {
    return undefined;
  }
}
