import { type Operation, operation } from './operations.ts';

/** A request between users that waits for its reply. Addresses of the served side are prepared. */
export interface Question {
  /** The asker's bare JID: how much he asks is bounded. */
  readonly asker: string;
  /** Whom he asks, and who else may answer in that one's stead, if anybody. */
  readonly asked: string;
  readonly substitute: string | undefined;
  /** The proxied address that we asked in the name of; a reply must come to it. */
  readonly proxied: string;
  /** The request's own from, to and id, as they were written. */
  readonly from: string;
  readonly to: string;
  readonly id: string;
}

interface Body {
  b: string;
  a: string;
  s?: string;
  p: string;
  f: string;
  t: string;
  i: string;
}

function encode({ asker, asked, substitute, proxied, from, to, id }: Question): string {
  const body: Omit<Body, 's'> & { s: string | undefined } = {
    b: asker,
    a: asked,
    s: substitute,
    p: proxied,
    f: from,
    t: to,
    i: id,
  };
  return JSON.stringify(body);
}

function decode(text: string): Question {
  const { b: asker, a: asked, s: substitute, p: proxied, f: from, t: to, i: id } = JSON.parse(text) as Body;
  return { asker, asked, substitute, proxied, from, to, id };
}

/** How many requests may wait at a time. */
export interface Bounds {
  readonly all: number;
  readonly each: number;
}

/**
 * Notes a request under the id that it goes out with. Gives whether it was; false when too many wait.
 *
 * @param deadline ms since the epoch
 */
export function noteQuestion(
  id: string,
  question: Question,
  deadline: number,
  { all, each }: Bounds,
): Operation<boolean> {
  return operation(['iq?', id, question.asker, encode(question), deadline, all, each], (reply) => reply === '', true);
}

/** What a reply met: its question, nobody who waits for it (`late`), or one who asked somebody else (`forged`). */
export type Reply =
  | { readonly outcome: 'answers'; readonly question: Question }
  | { readonly outcome: 'late' | 'forged' };

/**
 * Takes the reply to a question; only the first counts.
 *
 * @param token names this reply, so that a repetition after a lost answer of Redis' is known from a second one
 * @param forgetAt until when (ms) that is remembered
 */
export function takeReply(id: string, token: string, from: string, to: string, forgetAt: number): Operation<Reply> {
  return operation(['iq=', id, token, from, to, forgetAt], (reply) => {
    if (reply === '') return { outcome: 'late' };
    return reply === '!' ? { outcome: 'forged' } : { outcome: 'answers', question: decode(reply) };
  });
}

/** Takes up to `limit` questions whose time is over; nobody else is given them until `leaseUntil` (ms). */
export function overdueQuestions(
  now: number,
  leaseUntil: number,
  limit: number,
): Operation<{ readonly id: string; readonly question: Question }[]> {
  return operation(['iq<', now, leaseUntil, limit], (reply) => {
    const flat = reply === '' ? [] : (JSON.parse(reply) as string[]);
    const overdue: { id: string; question: Question }[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      overdue.push({ id: flat[i] as string, question: decode(flat[i + 1] as string) });
    }
    return overdue;
  });
}

/**
 * Ends a question to an account before its time, for this process to tell its asker before `leaseUntil` (ms). Undefined when
 * it does not wait any more, or when somebody gets that account's presence: then it exists, and is given its time, be it there
 * or not.
 *
 * @param account a served bare JID
 */
export function endQuestion(id: string, account: string, leaseUntil: number): Operation<Question | undefined> {
  return operation(['iq!', id, account, leaseUntil], (reply) => (reply === '' ? undefined : decode(reply)));
}

/** A question is over, and its asker told. */
export function forgetQuestion(id: string): Operation<void> {
  return operation(['iq-', id], () => undefined);
}

/** Whether a client of these capabilities supports receipts; undefined when it is not known. */
export function knownCaps(hash: string, ver: string): Operation<'y' | 'n' | undefined> {
  return operation(['caps?', hash, ver], (reply) => (reply === 'y' || reply === 'n' ? reply : undefined));
}

/** Remembers that, for `keep` ms. */
export function noteCaps(hash: string, ver: string, support: 'y' | 'n', keep: number): Operation<void> {
  return operation(['caps=', hash, ver, support, keep], () => undefined, true);
}
