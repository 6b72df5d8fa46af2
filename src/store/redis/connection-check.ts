import type { Redis } from 'ioredis';

/** What is looked at before the first call over another connection. */
export interface ConnectionCheck {
  /** Whether it was not looked at over this master's connection as it is now. */
  isNew(master: Redis): boolean;
  /** Rejects with errors of ioredis; then it is tried again at the next call. */
  look(master: Redis): Promise<void>;
}
