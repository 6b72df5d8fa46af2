import { ListenError } from '../http/server.ts';
import { UnsupportedLibraryError } from '../xmpp/connection/component-library.ts';
import { LinkAuthError } from '../xmpp/connection/link-problem.ts';

/** Redis must not be used as it is set up: acknowledged messages could be thrown away. */
export class RedisRefusedError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join(' '));
    this.name = 'RedisRefusedError';
  }
}

const NEED_A_CHANGE = [LinkAuthError, RedisRefusedError, ListenError, UnsupportedLibraryError] as const;

/** Whether a start failed for what only another setting, or another installation, mends: to try again is in vain. */
export function needsAChange(error: unknown): error is Error {
  return NEED_A_CHANGE.some((type) => error instanceof type);
}
