import { hash, randomBytes } from 'node:crypto';
import { endCommandSession, openCommandSession, type Perform, readCommandSession } from '../store/contract.ts';

/** How long a session lasts, ms: XEP-0050 section 3.3 leaves it to the responder. */
export const SESSION_LASTS = 15 * 60_000;

/** State of a session id: open, expired, or not of this requester and command. */
export type Session = 'open' | 'expired' | 'bad';

const ID = /^([0-9a-z]{1,11})-[\w-]{24}$/;

/**
 * Sessions of commands (XEP-0050 section 3.3). An id is random, and what is known of it is in Redis, so that whichever
 * process gets the next step can take it. Clients want the id to stay the same from step to step (Gajim gives up when it
 * changes). All input is in the submitted form and is checked at each step. The rate limit of requests bounds how many
 * sessions a user opens. All reject while Redis does not answer.
 */
export class Sessions {
  readonly #perform: Perform;

  constructor(perform: Perform) {
    this.#perform = perform;
  }

  /** Whether it looks like one of ours. */
  isId(text: string): boolean {
    return ID.test(text);
  }

  /** An id for a command that ends with its first answer: nobody will ask for it. */
  id(now: number): string {
    // Contains its start time, so that an expired id can be told from an invalid one.
    return `${now.toString(36)}-${randomBytes(18).toString('base64url')}`;
  }

  async open(node: string, jid: string, now: number): Promise<string> {
    const id = this.id(now);
    await this.#perform(openCommandSession(id, bound(node, jid), SESSION_LASTS));
    return id;
  }

  async read(id: string, node: string, jid: string, now: number): Promise<Session> {
    const began = ID.exec(id)?.[1];
    if (began === undefined) return 'bad';
    if (Number.parseInt(began, 36) + SESSION_LASTS <= now) return 'expired';
    const session = await this.#perform(readCommandSession(id));
    if (session === undefined) return 'bad';
    if (session === 'ended') return 'expired';
    return session.whose === bound(node, jid) ? 'open' : 'bad';
  }

  /** Ends it; false when it had ended. */
  end(id: string): Promise<boolean> {
    return this.#perform(endCommandSession(id, randomBytes(6).toString('base64url')));
  }
}

/** A session is one command's and one full JID's. */
function bound(node: string, jid: string): string {
  // NUL occurs in no JID and no XML, so the encoding is unambiguous.
  return hash('sha256', `${node}\0${jid}`, 'base64url').slice(0, 22);
}
