import { ASK_AGAIN_AFTER, type Standing, type SubscriptionType, stepOf } from '../../xmpp/stanza/subscription.ts';
import type { Operation } from './operations.ts';

/** NUL stands in no JID and no XML. */
const SEPARATOR = '\0';
/** A process that has not said for so long that its link is up counts as gone, ms. */
const ALIVE_FOR = 30_000;
/** A session that is younger is not taken for another by a probe, ms: a server sends one to each contact at a login. */
const LOGIN_LASTS = 5_000;
/** How long the claim of a process that asks after everybody lasts without word of it, ms. */
const CLAIM_FOR = 30_000;
/** Whoever's link is back so soon after another process has begun to ask need not ask as well, ms. */
const JOINS_FOR = 10_000;

/**
 * Operations of presence are few beside messages, and have one letter in a turn: it is followed by a name, how many
 * arguments come, and these. None counts as growing: what ends or corrects a presence must not be refused.
 */
function presence<Result>(
  name: string,
  args: readonly (string | number)[],
  decode: (reply: string) => Result,
): Operation<Result> {
  return { args: ['P', name, args.length, ...args], grows: false, decode };
}

const nothing = () => undefined;
const list = (reply: string) => (reply === '' ? [] : reply.split(SEPARATOR));

const STANDINGS: Readonly<Record<string, Standing>> = {
  n: 'none',
  a: 'asked',
  o: 'askedLongAgo',
  s: 'subscribed',
  q: 'probed',
};
const NEXT = { none: 'n', asked: 'p', subscribed: 's', probed: 'q' } as const;

/**
 * Takes a step of a subscription; gives the standing before it.
 *
 * @param token names the stanza, so that a call whose reply was lost says the same when it is made again
 */
export function takeStep(
  type: SubscriptionType,
  watched: string,
  watcher: string,
  now: number,
  token: string,
): Operation<Standing> {
  let nexts = '';
  for (const standing of Object.values(STANDINGS)) {
    const { next } = stepOf(type, standing);
    nexts += next === undefined ? '=' : NEXT[next];
  }
  const args = [watched, watcher, now, ASK_AGAIN_AFTER, token, nexts];
  return presence('step', args, (reply) => STANDINGS[reply] ?? 'none');
}

/** Takes back a request of that time (ms) whose sender was told that it could not be stored. */
export function withdrawRequest(watched: string, watcher: string, asked: number): Operation<void> {
  return presence('withdraw', [watched, watcher, asked], nothing);
}

/** What a presence stanza has meant for the sessions of its sender. */
export interface Seen {
  /**
   * `began`: also when its priority is negative no longer (RFC 6121 section 8.5.2); `returned`: updated, for the first
   * time since nobody could hear what it did; `left`: it has ended, or hides from this watcher alone; `none`: nothing new,
   * or his broadcasts do not come to us.
   */
  readonly what: 'began' | 'updated' | 'returned' | 'ended' | 'left' | 'none';
  /** Whether its capabilities are to be looked at. */
  readonly asks: boolean;
  /** Whether his server is to be asked if we get all of his presence. */
  readonly probe: boolean;
  /** Whether it is to be asked if the watcher is one. */
  readonly verify: boolean;
  /** Resources whose sessions have ended. */
  readonly ended: readonly string[];
}

const SEEN = { B: 'began', U: 'updated', H: 'returned', E: 'ended', D: 'left' } as const;

/**
 * Notes presence that came.
 *
 * @param watcher the served user, or the component's domain, that it came to
 * @param resource empty when it is from a bare JID
 * @param own the component's domain when that is the watcher, else empty
 * @param token as for {@link takeStep}
 * @param more its priority, -128 to 127, and whether it was sent to one resource of the watcher's
 */
export function seePresence(
  user: string,
  watcher: string,
  resource: string,
  available: boolean,
  now: number,
  caps: string,
  own: string,
  token: string,
  { priority = 0, direct = false }: { readonly priority?: number; readonly direct?: boolean } = {},
): Operation<Seen> {
  const how = available ? (priority < 0 ? 2 : 1) : 0;
  return presence('see', [user, watcher, resource, how, now, caps, own, token, direct ? 1 : 0], (reply) => {
    const [word = '', ...ended] = reply.split(SEPARATOR);
    return {
      what: SEEN[word[0] as keyof typeof SEEN] ?? 'none',
      asks: word.includes('c'),
      probe: word.includes('p'),
      verify: word.includes('v'),
      ended,
    };
  });
}

/** Somebody's server probes for him, as at a login. Gives whether an older session of that resource is thereby over. */
export function renewSession(user: string, resource: string, now: number, token: string): Operation<boolean> {
  return presence('renew', [user, resource, now, LOGIN_LASTS, token], (reply) => reply === 'R');
}

/** A session that was asked at that time (ms) whether it is there has answered, or its time for that is over. */
export function judged(user: string, resource: string, asked: number, answered: boolean): Operation<void> {
  return presence('judged', [user, resource, asked, answered ? 'a' : 's'], nothing);
}

/** An answer came to a process that does not wait for it: another may. Gives whether that is news of a session. */
export function overheard(user: string, resource: string): Operation<boolean> {
  return presence('overheard', [user, resource], (reply) => reply === '1');
}

/** Notes whether a session returns receipts; `caps` is what was looked at. */
export function noteReceipts(user: string, resource: string, caps: string, answer: 'y' | 'n' | 'u'): Operation<void> {
  return presence('receipts', [user, resource, caps, answer], nothing);
}

/** The presence of these is not known until it is heard of again. */
export function forgetPresence(users: readonly string[]): Operation<void> {
  return presence('unknown', users, nothing);
}

/** A user is about to be probed. Gives his watchers. */
export function askAfter(user: string): Operation<string[]> {
  return presence('ask', [user], list);
}

/** Whether a user has a session that a message to his bare address goes to, as far as `watcher` gets to see that. */
export function isHere(user: string, watcher: string): Operation<boolean> {
  return presence('is_here', [user, watcher], (reply) => reply === '1');
}

export function watchersOf(user: string): Operation<string[]> {
  return presence('watchers', [user], list);
}

/**
 * The time for an answer is over. Gives the resources that were not heard of: they have ended, if it is `final`, and
 * otherwise his presence stays unknown until he is asked once more.
 */
export function judgeSessions(user: string, now: number, final: boolean): Operation<string[]> {
  return presence('judge', [user, now, final ? 1 : 0, ''], list);
}

/**
 * A session has said to some watchers that it is unavailable: did it mean all? Gives one who was not told, in whose name
 * his server is to be asked; `ended` when there is none; undefined when it is there no more, or hides from nobody.
 */
export function whoSees(user: string, resource: string): Operation<string | 'ended' | undefined> {
  return presence('who_sees', [user, resource], (reply) => (reply === 'E' ? 'ended' : reply || undefined));
}

/** As {@link judgeSessions}, of one session that alone was asked after. */
export function judgeSession(user: string, resource: string, now: number): Operation<string[]> {
  return presence('judge', [user, now, 1, resource], list);
}

/** This process' link is up. Gives how many others serve the domain, and how many users watch the component itself. */
export function stillAlive(
  process: string,
  now: number,
  own: string,
): Operation<{ readonly others: number; readonly watchers: number }> {
  return presence('alive', [process, now, ALIVE_FOR, own], (reply) => {
    const [others, watchers] = reply.split(' ').map(Number);
    return { others: others ?? 0, watchers: watchers ?? 0 };
  });
}

/** This process' link is down. Gives how many others serve the domain. */
export function gone(process: string, now: number): Operation<number> {
  return presence('gone', [process, now, ALIVE_FOR], Number);
}

/** Claims to ask after everybody: `wait` while another process is at it, `joined` when that has only just begun. */
export function claimAsking(process: string, now: number): Operation<'go' | 'wait' | 'joined'> {
  return presence('claim', [process, now, CLAIM_FOR, JOINS_FOR], (reply) =>
    reply === 'wait' || reply === 'joined' ? reply : 'go',
  );
}

/** Keeps the claim for a while. */
export function keepAsking(process: string): Operation<void> {
  return presence('keep_claim', [process, CLAIM_FOR], nothing);
}

/** Gives the claim up. */
export function doneAsking(process: string): Operation<void> {
  return presence('release', [process], nothing);
}
