import type { Clock, RequestOf } from '../contract.ts';
import { ExpiringMap } from './expiring-map.ts';

/** Sessions of ad-hoc commands (XEP-0050). */
export class CommandSessions {
  readonly #sessions: ExpiringMap<{ readonly whose: string; readonly endedBy?: string }>;

  constructor(clock: Clock) {
    this.#sessions = new ExpiringMap(clock);
  }

  open({ id, whose, lasts }: RequestOf<'openCommandSession'>): void {
    this.#sessions.set(id, { whose }, lasts);
  }

  read({ id }: RequestOf<'readCommandSession'>): { readonly whose: string } | 'ended' | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    return session.endedBy === undefined ? { whose: session.whose } : 'ended';
  }

  /** Gives whether this token has ended it. */
  end({ id, token }: RequestOf<'endCommandSession'>): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined) return false;
    if (session.endedBy === undefined) this.#sessions.replace(id, { ...session, endedBy: token });
    return session.endedBy === undefined || session.endedBy === token;
  }
}
