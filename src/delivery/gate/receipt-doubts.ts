import { type Facts, type Graces, type KnownSession, noteEnd } from '../../gate/facts.ts';
import { type SessionChange, thereUntil } from '../../gate/sessions.ts';
import type { StoredRecord } from '../../store/contract.ts';
import type { InTurn } from '../redelivery/in-turn.ts';
import { type Confirmed, ConfirmingSessions } from './confirming-sessions.ts';
import { DoubtedMessages, type DoubtedMessagesOptions } from './doubted-messages.ts';
import { type EndedSession, EndedSessions } from './ended-sessions.ts';
import { RecentTexts } from './recent-texts.ts';
import { hasOther, isShared, noteReceipt, SharedDoubts } from './shared-doubts.ts';

export interface ReceiptDoubtsOptions extends DoubtedMessagesOptions {
  /** `proof`: how long a session must live on after its receipt, ms (PROOF_GRACE); with 0 nothing is in doubt. */
  readonly graces: Graces;
  /** How long after a message was stored its text is kept at most, ms (MESSAGE_TTL). */
  readonly messageTtl: number;
  readonly counts: { proofsDoubted: number; redelivered: number; receiptsLeftToStore: number; doubtsGivenUp: number };
  readonly log: { warn(fields: object, message: string): void };
  /** How many messages at most that were confirmed are known; bytes at most of those in doubt. */
  readonly most?: number;
  readonly mostBytes?: number;
}

/**
 * Whether a receipt (heard `at`, ms) may be of this session: not of one that came after it, or in the same millisecond and after the message
 * was last given to anybody.
 */
function isBy({ since, began }: KnownSession, { given }: Facts, at: number): boolean {
  return since < at || (since === at && (began === undefined || began <= given));
}

/**
 * So many that were confirmed lately, or are in doubt, are known, and of the latter so many bytes: more than all that a process may have
 * confirmed within twice PROOF_GRACE (5 s). What is beyond this waits in the store, which takes twice the time for a message.
 */
const MOST = 100_000;
const MOST_BYTES = 16_000_000;
/** How often within PROOF_GRACE it is looked what has been confirmed for so long. */
const PRUNES = 4;
/** How often it is logged at most that there are more, ms. */
const WARN_EVERY = 60_000;
/** How often it is looked whose time is over, ms. */
const EXPIRE_EVERY = 60_000;

/**
 * A receipt that is followed at once by the end of its session is in doubt: a client that is killed may not have kept the
 * message (rule 18). Such a message is sent once more, to the next session. Its sender has been told, and is told nothing
 * again. This process knows of it until it ends; Redis has no text of a message that is confirmed.
 *
 * A client that has ended its session in order has kept what it confirmed, and nothing of that is in doubt.
 *
 * What counts is when the receipt and the end of the session were heard, however long Redis takes between them.
 */
export class ReceiptDoubts {
  readonly #options: ReceiptDoubtsOptions;
  readonly #texts = new RecentTexts();
  readonly #confirming = new ConfirmingSessions();
  readonly #ended = new EndedSessions();
  readonly #doubted: DoubtedMessages;
  readonly #shared: SharedDoubts;
  #timer: NodeJS.Timeout | undefined;
  readonly #expiry: NodeJS.Timeout;
  /** Whether it is heard of sessions; and until when (ms) it was, before that. */
  #isHeard = false;
  #heardUntil = 0;
  /** When (ms) it was logged last that there are too many. */
  #warnedAt = Number.NEGATIVE_INFINITY;
  /** A user (bare JID) is to be sent {@link due}; set when who knows what else he is sent again exists. */
  onDue: (user: string) => void = (user) => {
    for (const { send } of this.due(user)) send();
  };

  constructor(options: ReceiptDoubtsOptions) {
    this.#options = options;
    this.#doubted = new DoubtedMessages(options);
    const { gate, clock } = options;
    gate.on('session', (change) => this.#session(change));
    this.#shared = new SharedDoubts({
      ...options,
      endedAt: (jid, id) => this.#ended.of(jid, id)?.until,
      deliver: (doubted, to) => {
        options.counts.proofsDoubted += 1;
        this.#doubted.put({ ...doubted, to });
        this.#sendDoubted(doubted.record.recipient);
      },
    });
    gate.on('lost', () => {
      if (this.#isHeard) this.#heardUntil = clock.now();
      this.#isHeard = false;
    });
    gate.on('enabled', (restarted) => {
      if (restarted) this.#restarted();
    });
    gate.on('ready', () => this.#compare());
    this.#expiry = setInterval(() => this.#expire(), EXPIRE_EVERY).unref();
  }

  /** A message goes through the gate. */
  sent(record: StoredRecord): void {
    this.#texts.put(record.heldAs as string, record);
  }

  /**
   * Whether a message that its sender has had a receipt for is to stay in the store until the session of that has lived on: there is no
   * room for more that may come to be in doubt, or its text is not known here any more. Then its receipt is a proof as others are.
   */
  leavesToStore(n: string, facts: Facts | undefined): boolean {
    const { graces, counts } = this.#options;
    if (facts === undefined || facts.outcomes.size === 0 || facts.doubted || graces.proof === 0) return false;
    if ((this.#hasRoom() && this.#texts.has(n)) || this.#isProved(facts, undefined)) return false;
    counts.receiptsLeftToStore += 1;
    return true;
  }

  /**
   * A message has ended; called with every receipt. `facts`: what the gate has said of it. Gives whether the gate is to remember
   * it: it is told to forget it when that is over.
   */
  ended(
    { heldAs, key, state, receiptResource, recipient, settledAt }: StoredRecord,
    facts: Facts | undefined,
  ): boolean {
    const n = heldAs as string;
    const { gate, clock, graces } = this.#options;
    const grace = graces.proof;
    // Once is enough.
    if (state !== 'delivered' || receiptResource === '' || facts === undefined || facts.doubted || grace === 0) {
      this.#texts.take(n);
      return false;
    }
    const at = settledAt ?? clock.now();
    const session = gate.sessionAt(recipient, receiptResource);
    // Its receipt was heard before it ended, and is handled now; another may have taken its place.
    const gone = session && isBy(session, facts, at) ? undefined : this.#ended.since(recipient, receiptResource, at);
    const one = { n, key, facts, isShared: isShared(facts), at };
    const judge = (id: string, until: number) => {
      const isRemembered = this.#judge(recipient, id, until, one);
      this.#look(recipient);
      return isRemembered;
    };
    if (this.#isProved(facts, gone)) this.#texts.take(n);
    else if (gone !== undefined) return judge(gone.id, gone.until);
    else if (session !== undefined) return this.#watch(session.id, recipient, receiptResource, one);
    // It ended without a word, while no lease was held. When it was let through then as well, nobody knows.
    else if (at <= this.#heardUntil || facts.has.size === 0) return judge('', this.#heardUntil);
    return false;
  }

  /** Another process has sent it: that sessions have ended which had it was heard before it was known here. */
  taken(facts: Facts): void {
    const { graces, counts } = this.#options;
    for (const { jid, id } of [...facts.flushed, ...[...facts.outcomes.values()].flatMap(({ sessions }) => sessions)]) {
      const ended = this.#ended.of(jid, id);
      if (ended === undefined) continue;
      facts.endedAt = Math.max(facts.endedAt, ended.endedAt);
      if (facts.doubted || !noteEnd(facts, id, ended.until, graces.proof)) continue;
      facts.suspected = id;
      counts.proofsDoubted += 1;
    }
  }

  /** Whether the gate is to remember a message (by its number) that has ended. */
  remembers(n: string): boolean {
    return this.#confirming.hasShared(n) || this.#shared.has(n) || this.#doubted.remembers(n);
  }

  /** What a user (bare JID) is sent once more, in its turn. */
  due(user: string): InTurn[] {
    return this.#doubted.due(user);
  }

  /** A session of that user's has returned one more receipt for a message (by its key). */
  confirmedAgain(user: string, resource: string, key: string): void {
    const { gate, clock } = this.#options;
    const session = gate.sessionAt(user, resource);
    if (session === undefined) return;
    const shared = this.#confirming.shared(key);
    if (shared !== undefined && shared.id !== session.id) {
      noteReceipt(this.#factsOf(shared.one), session.id, clock.now());
    }
    this.#shared.confirmed(user, key, session.id);
  }

  /** The same of one message (by its key). */
  dueOf(user: string, key: string): InTurn | undefined {
    return this.#doubted.dueOf(user, key);
  }

  /** Nothing is kept of these any more: of a user who is forgotten, or whose account was deleted. */
  forget(isOver: (record: StoredRecord) => boolean): void {
    this.#drop(isOver);
  }

  close(): void {
    clearInterval(this.#timer);
    clearInterval(this.#expiry);
    this.#shared.close();
  }

  /** Called by the timer. */
  #expire(): void {
    this.#drop((record) => this.#isOver(record));
  }

  /** Whether its time is over: it is sent no more, as any other. */
  #isOver({ storedAt }: StoredRecord): boolean {
    return this.#options.clock.now() - storedAt >= this.#options.messageTtl;
  }

  #sendDoubted(user?: string): void {
    this.#doubted.drop((record) => this.#isOver(record), user);
    for (const one of user === undefined ? this.#doubted.users() : [user]) if (this.#doubted.has(one)) this.onDue(one);
  }

  #drop(isOver: (record: StoredRecord) => boolean): void {
    this.#texts.drop(isOver);
    this.#doubted.drop(isOver);
    this.#shared.drop(isOver);
  }

  /** Until when (ms) a session that is not known to have ended is known to have lived. */
  #livedUntil(session: KnownSession | undefined): number {
    return session?.detachedAt ?? (this.#isHeard ? this.#options.clock.now() : this.#heardUntil);
  }

  /** Whether a session has had it for long enough. */
  #isProved({ has }: Facts, gone: EndedSession | undefined): boolean {
    const { graces, clock } = this.#options;
    for (const [id, since] of has)
      if ((id === gone?.id ? gone.until : clock.now()) - since >= graces.proof) return true;
    return false;
  }

  #hasRoom(): boolean {
    const { most = MOST, mostBytes = MOST_BYTES } = this.#options;
    const [doubted, shared] = [this.#doubted, this.#shared];
    return this.#confirming.size + doubted.size + shared.size < most && doubted.bytes + shared.bytes < mostBytes;
  }

  /** It is not sent again, should its client not have kept it. */
  #giveUp({ n }: Confirmed): void {
    const { counts, clock, log } = this.#options;
    this.#texts.take(n);
    counts.doubtsGivenUp += 1;
    if (clock.now() - this.#warnedAt < WARN_EVERY) return;
    this.#warnedAt = clock.now();
    const fields = {
      known: this.#confirming.size,
      inDoubt: this.#doubted.size + this.#shared.size,
      givenUp: counts.doubtsGivenUp,
    };
    log.warn(
      fields,
      'Messages were confirmed that are not sent again should their sessions end right after: too many are known',
    );
  }

  #factsOf({ n, facts }: Confirmed): Facts {
    return this.#options.gate.factsOf(n) ?? facts;
  }

  /** Nothing is in doubt. */
  #over(one: Confirmed): void {
    this.#texts.take(one.n);
    if (!one.isShared) return;
    this.#confirming.forgetShared(one);
    this.#options.gate.forget(one.n);
  }

  /** Whether its session lives on is to be seen. Gives whether the gate is to remember it. */
  #watch(id: string, user: string, resource: string, one: Confirmed): boolean {
    if (!this.#hasRoom()) {
      this.#giveUp(one);
      return false;
    }
    this.#confirming.put(id, user, resource, one);
    this.#timer ??= setInterval(() => this.#prune(), Math.ceil(this.#options.graces.proof / PRUNES)).unref();
    return one.isShared;
  }

  #session(change: SessionChange): void {
    const { user, resource, session, what } = change;
    if (what === 'gone') {
      const now = this.#options.clock.now();
      const until = thereUntil(change, this.#isHeard ? now : this.#heardUntil);
      this.#ended.note(user, resource, { id: session.id, until, endedAt: now });
      this.#gone(session.id, until);
    } else if (what === 'available') this.#sendDoubted(user);
  }

  #gone(id: string, until: number): void {
    const session = this.#confirming.take(id);
    if (session === undefined) return;
    const { user, messages } = session;
    for (const one of messages)
      if (!this.#judge(user, id, until, one) && one.isShared) this.#options.gate.forget(one.n);
    this.#look(user);
  }

  /** What has come to be in doubt is sent as soon as it can be. */
  #look(user: string): void {
    this.#shared.look(user);
    this.#sendDoubted(user);
  }

  /** After the lease was lost: sessions may have ended without a word, at any time since. */
  #compare(): void {
    const { gate, clock } = this.#options;
    const until = this.#heardUntil;
    this.#isHeard = true;
    for (const [id, { user, resource }] of this.#confirming.entries()) {
      if (gate.sessionAt(user, resource)?.id === id) continue;
      this.#ended.note(user, resource, { id, until, endedAt: clock.now() });
      this.#gone(id, until);
    }
    this.#sendDoubted();
  }

  /** The server was started again, or its gate: that ended the sessions, and no client was killed. */
  #restarted(): void {
    for (const one of this.#confirming.takeAll()) this.#over(one);
    this.#ended.clear();
  }

  /** Gives whether the gate is to remember it. To be followed by {@link #look}. */
  #judge(user: string, id: string, until: number, one: Confirmed): boolean {
    const record = this.#texts.take(one.n);
    if (one.isShared) this.#confirming.forgetShared(one);
    if (Math.max(0, until - one.at) >= this.#options.graces.proof) return false;
    if (record === undefined || !this.#hasRoom()) {
      this.#giveUp(one);
      return false;
    }
    const { gate, counts } = this.#options;
    const facts = this.#factsOf(one);
    // What was proved before its receipt came may have been in doubt, and counted, already.
    const isKnown = facts.suspected !== undefined && (id === '' || facts.suspected === id);
    const doubted = { record, copy: Math.max(record.copies, ...facts.outcomes.keys()) + 1 };
    if (hasOther(facts, id, gate.sessionsOf(user))) {
      this.#shared.put(doubted, facts, id);
      return true;
    }
    if (!isKnown) counts.proofsDoubted += 1;
    this.#doubted.put(doubted);
    return false;
  }

  /** What was confirmed by a session that has lived on for long enough is in no doubt any more. */
  #prune(): void {
    const { gate, graces } = this.#options;
    const livedUntil = (id: string, { user, resource }: { readonly user: string; readonly resource: string }) => {
      const session = gate.sessionAt(user, resource);
      return this.#livedUntil(session?.id === id ? session : undefined);
    };
    for (const one of this.#confirming.takeOlder(graces.proof, livedUntil)) this.#over(one);
    if (this.#confirming.isEmpty) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
