import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** How long a session lasts, ms: XEP-0050 section 3.3 leaves it to the responder. */
export const SESSION_LASTS = 15 * 60_000;

export interface OpenSession {
  readonly state: 'open';
  /** ms */
  readonly timeLeft: number;
  /** Names it in Redis. */
  readonly name: string;
}

/** What a session's id tells: it is good, it was good, or it is not one of this asker's and command's. */
export type Session = OpenSession | { readonly state: 'expired' | 'bad' };

/**
 * Ids of sessions (XEP-0050 section 3.3) that are known again without being kept: they bear when they began, and a seal
 * over that, the command and the asker's full JID. So there is nothing to bound, and whichever process gets the next
 * step can take it. Clients want the id to stay the same from step to step (Gajim gives up when it changes); what was
 * filled in stands in the form, and is checked at each step as if it came for the first time.
 */
export class Sessions {
  readonly #key: Buffer;

  /** @param secret known to all processes that serve the domain, and to nobody else */
  constructor(secret: string) {
    // Derived, so that a seal tells nothing of the secret that the stream's handshake hashes as well.
    this.#key = createHmac('sha256', secret).update('openfire-receipts command sessions').digest();
  }

  open(node: string, jid: string, now: number): string {
    const name = `${now.toString(36)}-${randomBytes(9).toString('base64url').replaceAll('-', '.')}`;
    return `${name}-${this.#seal(name, node, jid)}`;
  }

  read(id: string, node: string, jid: string, now: number): Session {
    const end = id.indexOf('-', id.indexOf('-') + 1);
    const name = id.slice(0, Math.max(end, 0));
    const seal = Buffer.from(id.slice(end + 1));
    const own = Buffer.from(this.#seal(name, node, jid));
    if (end === -1 || seal.length !== own.length || !timingSafeEqual(seal, own)) return { state: 'bad' };
    const timeLeft = Number.parseInt(name, 36) + SESSION_LASTS - now;
    return timeLeft > 0 ? { state: 'open', timeLeft, name } : { state: 'expired' };
  }

  #seal(name: string, node: string, jid: string): string {
    // NUL stands in no JID and no XML, so that no two triples are written alike.
    const seal = createHmac('sha256', this.#key).update(`${name}\0${node}\0${jid}`);
    return seal.digest('base64url').slice(0, 32);
  }
}
