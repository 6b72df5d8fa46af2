import { type Decision, decide, type Facts, type Graces, noteEnd, sentTo } from '../../gate/facts.ts';
import { type SessionChange, thereUntil } from '../../gate/sessions.ts';
import { type Clock, type StoredRecord, sizeOf } from '../../store/contract.ts';
import type { Doubted } from './doubted-messages.ts';
import type { GatePort } from './gate-port.ts';

export interface SharedDoubtsOptions {
  readonly gate: Pick<GatePort, 'factsOf' | 'sessionsOf' | 'forget' | 'isReady' | 'epoch' | 'on'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly graces: Graces;
  /** Until when (ms) a session (full JID, stream id) was there that has ended lately. */
  readonly endedAt: (jid: string, id: string) => number | undefined;
  /** Sends it once more, to that session. */
  readonly deliver: (doubted: Doubted, to: string) => void;
}

interface Shared {
  readonly doubted: Doubted;
  /** What was known when its receipt was taken; the gate may say all of it again. */
  readonly facts: Facts;
}

/**
 * Messages whose receipt is in doubt, and which other sessions of their recipients' were sent as well. One of those that proves
 * to have it settles that. But one that was sent it may have no connection any more, and never come back: who logs in meanwhile
 * is sent it, as is what nobody has confirmed. The gate remembers such a message until that is decided.
 */
export class SharedDoubts {
  readonly #options: SharedDoubtsOptions;
  /** By recipient, in the order in which they were sent. */
  readonly #waiting = new Map<string, Shared[]>();
  /** The same by their numbers. */
  readonly #numbers = new Set<string>();
  #size = 0;
  #bytes = 0;
  /** The next look at each user. */
  readonly #timers = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  /** When (ms) a lease was lost last. */
  #heardUntil = 0;

  constructor(options: SharedDoubtsOptions) {
    this.#options = options;
    const { gate, clock } = options;
    gate.on('session', (change) => this.#session(change));
    gate.on('has', ({ session }) => this.#lookLater(userOf(session.jid), options.graces.proof));
    gate.on('lost', () => {
      this.#heardUntil = clock.now();
    });
    gate.on('ready', () => this.#compare());
  }

  /**
   * To be followed by {@link look}, when all of that user's are here.
   *
   * @param id the session (stream id) whose receipt is in doubt, or empty. How many there are, who puts them here bounds
   */
  put(doubted: Doubted, known: Facts, id: string): void {
    const { recipient, heldAs } = doubted.record;
    const facts = this.#options.gate.factsOf(heldAs as string) ?? known;
    facts.has.delete(id);
    facts.returned.add(id);
    facts.suspected = id;
    this.#endedUnheard(recipient, facts, this.#endedBefore(facts));
    const waiting = this.#waiting.get(recipient) ?? [];
    this.#waiting.set(recipient, waiting);
    waiting.push({ doubted, facts });
    this.#numbers.add(heldAs as string);
    this.#size += 1;
    this.#bytes += sizeOf(doubted.record);
  }

  /** Whether one of a user's (bare JID) is to be sent now. */
  look(user: string): void {
    if (this.#waiting.has(user)) this.#look(user);
  }

  /** How many are waited for. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a message (by its number) is waited for. */
  has(n: string): boolean {
    return this.#numbers.has(n);
  }

  /** That session (stream id) has confirmed a message (by its key) as well. */
  confirmed(user: string, key: string, id: string): void {
    const one = this.#waiting.get(user)?.find(({ doubted }) => doubted.record.key === key);
    if (one === undefined) return;
    noteReceipt(this.#factsOf(one), id, this.#options.clock.now());
    this.#look(user);
  }

  /** None of these is sent any more. */
  drop(isOver: (record: StoredRecord) => boolean): void {
    for (const user of [...this.#waiting.keys()]) {
      this.#keep(user, ({ doubted: { record } }) => {
        if (!isOver(record)) return true;
        this.#options.gate.forget(record.heldAs as string);
        return false;
      });
    }
  }

  close(): void {
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
  }

  #factsOf({ doubted, facts }: Shared): Facts {
    return this.#options.gate.factsOf(doubted.record.heldAs as string) ?? facts;
  }

  #keep(user: string, isKept: (one: Shared) => boolean): void {
    const waiting = this.#waiting.get(user);
    if (waiting === undefined) return;
    const left = waiting.filter((one) => {
      if (isKept(one)) return true;
      this.#numbers.delete(one.doubted.record.heldAs as string);
      this.#bytes -= sizeOf(one.doubted.record);
      return false;
    });
    this.#size -= waiting.length - left.length;
    if (left.length === 0) this.#waiting.delete(user);
    else this.#waiting.set(user, left);
  }

  #look(user: string): void {
    const { gate, graces, deliver } = this.#options;
    if (!gate.isReady) return;
    const due: { readonly doubted: Doubted; readonly to: string }[] = [];
    this.#keep(user, (one) => {
      const { doubted } = one;
      const facts = this.#factsOf(one);
      const decision = this.#decide(doubted, facts);
      if (decision.what === 'deliver') due.push({ doubted: { ...doubted, copy: decision.copy }, to: decision.to });
      else if (decision.what === 'proved') gate.forget(doubted.record.heldAs as string);
      else {
        const again = decision.what === 'wait' ? decision.again : undefined;
        if (again !== undefined || facts.has.size > 0) this.#lookLater(user, again ?? graces.proof);
        return true;
      }
      return false;
    });
    for (const { doubted, to } of due) deliver(doubted, to);
  }

  #decide({ record, copy }: Doubted, facts: Facts): Decision {
    const { gate, clock, graces } = this.#options;
    const sessions = gate.sessionsOf(record.recipient);
    const question = { n: record.heldAs as string, facts, sessions, epoch: gate.epoch, asked: true, copies: copy - 1 };
    return decide({ ...question, now: clock.now() }, graces);
  }

  #session(change: SessionChange): void {
    const { user, session, what } = change;
    const waiting = this.#waiting.get(user);
    if (waiting === undefined) return;
    if (what === 'gone') {
      const until = thereUntil(change, this.#options.clock.now());
      for (const one of waiting) noteEnd(this.#factsOf(one), session.id, until, this.#options.graces.proof);
    }
    this.#look(user);
  }

  /** Others may have ended before the doubt came up, and not have kept it either. Gives of which (stream ids) that was heard. */
  #endedBefore(facts: Facts): ReadonlySet<string> {
    const heard = new Set<string>();
    for (const sessions of [facts.flushed, ...[...facts.outcomes.values()].map((outcome) => outcome.sessions)]) {
      for (const { jid, id } of sessions) {
        const until = this.#options.endedAt(jid, id);
        if (until === undefined) continue;
        heard.add(id);
        noteEnd(facts, id, until, this.#options.graces.proof);
      }
    }
    return heard;
  }

  /** Of a session that has ended while no lease was held it is known until when it was heard of. */
  #endedUnheard(user: string, facts: Facts, heard?: ReadonlySet<string>): void {
    const there = new Set(this.#options.gate.sessionsOf(user).map(({ id }) => id));
    for (const [id, since] of [...facts.has])
      if (!there.has(id) && heard?.has(id) !== true && since <= this.#heardUntil)
        noteEnd(facts, id, this.#heardUntil, this.#options.graces.proof);
  }

  /** The gate has told all again. */
  #compare(): void {
    for (const [user, waiting] of [...this.#waiting]) {
      for (const one of waiting) this.#endedUnheard(user, this.#factsOf(one));
      this.#look(user);
    }
  }

  #lookLater(user: string, ms: number): void {
    if (!this.#waiting.has(user)) return;
    const at = this.#options.clock.now() + ms;
    const pending = this.#timers.get(user);
    if (pending !== undefined && pending.at <= at) return;
    clearTimeout(pending?.timer);
    const timer = setTimeout(() => {
      this.#timers.delete(user);
      this.#look(user);
    }, ms + 5).unref();
    this.#timers.set(user, { at, timer });
  }
}

/** Whether more than one session was sent a message. */
export function isShared({ outcomes, flushed }: Facts): boolean {
  let sessions = flushed.length;
  for (const outcome of outcomes.values()) sessions += outcome.sessions.length;
  return sessions > 1;
}

/** Whether one of these sessions was sent it, other than that one. */
export function hasOther(facts: Facts, id: string, sessions: readonly { readonly id: string }[]): boolean {
  const others = sentTo(facts);
  others.delete(id);
  for (const ended of facts.returned) others.delete(ended);
  return sessions.some((session) => others.has(session.id));
}

/** That session (stream id) has returned a receipt as well, heard now (ms). */
export function noteReceipt(facts: Facts, id: string, now: number): void {
  if (facts.suspected !== id && !facts.has.has(id)) facts.has.set(id, now);
}

function userOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash === -1 ? jid : jid.slice(0, slash);
}
