import type { AddressPolicy } from '../addressing/address-policy.ts';
import { bestSession, type Facts, type KnownSession, sentTo } from '../gate/facts.ts';
import type { SessionChange } from '../gate/sessions.ts';
import type { Clock, StoredRecord } from '../store/contract.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import { redelivery } from '../xmpp/stanza/build.ts';
import { copyTo } from './copy-stanza.ts';
import type { GatePort } from './gate-port.ts';
import { RecentTexts } from './recent-texts.ts';

export interface ReceiptDoubtsOptions {
  readonly gate: GatePort;
  readonly addresses: AddressPolicy;
  readonly clock: Clock & { aheadOfWall(): number };
  /** How long a session must live on after its receipt, ms (PROOF_GRACE). */
  readonly grace: number;
  readonly counts: { proofsDoubted: number; redelivered: number };
  readonly trace?: MessageTrace;
}

/** A message that a session has confirmed. */
interface Confirmed {
  readonly n: string;
  readonly facts: Facts;
  /** When (ms). */
  readonly at: number;
}

/** What one session has confirmed lately. */
interface Confirming {
  readonly user: string;
  readonly resource: string;
  readonly messages: Confirmed[];
}

interface Doubted {
  readonly record: StoredRecord;
  readonly copy: number;
}

/** So many that were confirmed lately are known, and so many wait for their recipients. */
const MOST = 20_000;
const MOST_DOUBTED = 1000;

/**
 * A receipt that is followed at once by the end of its session is in doubt: a client that is killed may not have kept the
 * message (rule 18). Such a message is sent once more, to the next session. Its sender has been told, and is told nothing
 * again. This process knows of it until it ends; Redis has no text of a message that is confirmed.
 */
export class ReceiptDoubts {
  readonly #options: ReceiptDoubtsOptions;
  readonly #texts = new RecentTexts();
  /** By the session's stream. */
  readonly #confirming = new Map<string, Confirming>();
  #known = 0;
  /** By recipient, in the order in which they were sent. */
  readonly #doubted = new Map<string, Doubted[]>();
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReceiptDoubtsOptions) {
    this.#options = options;
    const { gate } = options;
    gate.on('session', (change) => this.#session(change));
    gate.on('ready', () => this.#compare());
  }

  /** A message goes through the gate. */
  sent(record: StoredRecord): void {
    this.#texts.put(record.heldAs as string, record);
  }

  /** A message has ended; called with every receipt. `facts`: what the gate has said of it. */
  ended({ heldAs, state, receiptResource, recipient }: StoredRecord, facts: Facts | undefined): void {
    const n = heldAs as string;
    const { gate, grace, clock } = this.#options;
    // Once is enough.
    if (state !== 'delivered' || receiptResource === '' || facts === undefined || facts.doubted) {
      this.#texts.take(n);
      return;
    }
    const now = clock.now();
    // What was proved before is in no doubt.
    for (const at of facts.has.values()) {
      if (now - at < grace) continue;
      this.#texts.take(n);
      return;
    }
    const session = gate.sessionAt(recipient, receiptResource);
    if (session === undefined) {
      // It ended before its receipt was handled. When one ended that was let through while nothing was held, nobody knows.
      if (gate.isReady && facts.has.size === 0) this.#doubt(recipient, '', { n, facts, at: now });
      return;
    }
    if (this.#known >= MOST) return;
    let confirming = this.#confirming.get(session.id);
    if (confirming === undefined) {
      confirming = { user: recipient, resource: receiptResource, messages: [] };
      this.#confirming.set(session.id, confirming);
    }
    confirming.messages.push({ n, facts, at: now });
    this.#known += 1;
    this.#timer ??= setInterval(() => this.#prune(clock.now()), grace).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #session({ user, session, what }: SessionChange): void {
    if (what === 'gone') {
      const confirming = this.#confirming.get(session.id);
      if (confirming !== undefined) this.#gone(session, confirming);
    } else if (what === 'available' && this.#doubted.has(user)) this.#send(user);
  }

  #gone({ id, detachedAt }: Pick<KnownSession, 'id' | 'detachedAt'>, { user, messages }: Confirming): void {
    const { clock, grace } = this.#options;
    this.#confirming.delete(id);
    this.#known -= messages.length;
    const until = detachedAt ?? clock.now();
    for (const one of messages) if (until - one.at < grace) this.#doubt(user, id, one);
    this.#send(user);
  }

  /** After the lease was lost: sessions may have ended without a word. */
  #compare(): void {
    const { gate } = this.#options;
    for (const [id, confirming] of [...this.#confirming]) {
      if (gate.sessionAt(confirming.user, confirming.resource)?.id !== id)
        this.#gone({ id, detachedAt: undefined }, confirming);
    }
    for (const user of [...this.#doubted.keys()]) this.#send(user);
  }

  #doubt(user: string, id: string, { n, facts }: Confirmed): void {
    const { gate, counts } = this.#options;
    const record = this.#texts.take(n);
    if (record === undefined || this.#waiting >= MOST_DOUBTED) return;
    // Another device has it as well.
    const others = sentTo(facts);
    others.delete(id);
    if (gate.sessionsOf(user).some((session) => others.has(session.id))) return;
    counts.proofsDoubted += 1;
    const copy = Math.max(record.copies, ...facts.outcomes.keys()) + 1;
    const waiting = this.#doubted.get(user) ?? [];
    this.#doubted.set(user, waiting);
    waiting.push({ record, copy });
    this.#waiting += 1;
  }

  /** Sends a user what is in doubt, if he is there. */
  #send(user: string): void {
    const { gate } = this.#options;
    const waiting = this.#doubted.get(user);
    if (waiting === undefined || !gate.isReady) return;
    const to = bestSession(gate.sessionsOf(user))?.jid;
    if (to === undefined) return;
    this.#doubted.delete(user);
    this.#waiting -= waiting.length;
    for (const one of waiting) this.#deliver(one, to);
  }

  #deliver({ record, copy }: Doubted, to: string): void {
    const { gate, addresses, clock, counts, trace } = this.#options;
    const n = record.heldAs as string;
    const firstSent = record.firstStoredAt - clock.aheadOfWall();
    const out = copyTo(record, to.slice(to.indexOf('/') + 1), addresses);
    counts.redelivered += 1;
    trace?.('redelivered', record, { why: 'its session ended right after its receipt', session: to });
    gate.deliver(n, copy, to, redelivery(out, addresses.servedDomain, firstSent, false), () => gate.forget(n));
  }

  /** What was confirmed by a session that has lived on for long enough is in no doubt any more. */
  #prune(now: number): void {
    const { gate, grace } = this.#options;
    this.#known = 0;
    for (const [id, { user, resource, messages }] of this.#confirming) {
      const session = gate.sessionAt(user, resource);
      const until = (session?.id === id ? session.detachedAt : undefined) ?? now;
      const kept = messages.findIndex(({ at }) => until - at < grace);
      const over = messages.splice(0, kept === -1 ? messages.length : kept);
      for (const { n } of over) this.#texts.take(n);
      if (messages.length === 0) this.#confirming.delete(id);
      this.#known += messages.length;
    }
    if (this.#known === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
