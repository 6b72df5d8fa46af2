import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { basicAuth } from 'hono/basic-auth';
import { isSameText, type LoginThrottle } from './login-throttle.ts';

export interface SignInOptions {
  readonly user: string;
  readonly password: string;
  readonly throttle: LoginThrottle;
  readonly log: { warn(fields: object, message: string): void };
}

/** Asks for name and password (RFC 7617), and slows down who guesses. One throttle serves all that it protects. */
export function signIn({ user, password, throttle, log }: SignInOptions): MiddlewareHandler[] {
  const addressOf = (c: Context) => getConnInfo(c).remote.address ?? '';
  return [
    async (c, next) => {
      const wait = c.req.header('authorization') === undefined ? 0 : throttle.waitOf(addressOf(c));
      if (wait === 0) return next();
      c.header('retry-after', `${Math.ceil(wait / 1000)}`);
      return c.text('Too many wrong passwords; try again later.\n', 429);
    },
    basicAuth({
      // In the same step as the look above: many at once are told from each other.
      verifyUser: (name, given, c) => {
        const [isName, isPassword] = [isSameText(name, user), isSameText(given, password)];
        if (isName && isPassword) throttle.succeeded(addressOf(c));
        else {
          throttle.failed(addressOf(c));
          log.warn({ address: addressOf(c) }, 'Dashboard: wrong name or password');
        }
        return isName && isPassword;
      },
      realm: 'openfire-receipts',
      invalidUserMessage: 'Unauthorized\n',
    }),
  ];
}
