import type { Work } from '../contract.ts';
import type { Pipeline } from './pipeline.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Something of an owner's that waits for all of his work before it. */
interface Follower {
  /** How much of that is left. */
  left: number;
  /** What came later does not count. */
  readonly before: number;
  readonly go: () => void;
}

/** The work of one owner that is not through. */
interface Open {
  /** Where the last of it went. */
  last: Pipeline;
  count: number;
  /** How much there was of it since nothing was left. */
  begun: number;
  followers: Follower[] | undefined;
}

/** What each owner has under way, through all of its steps. */
export class OwnersWork {
  readonly #open = new Map<string, Open>();

  /** Where the last went of what is not through; undefined when nothing is left. */
  lastOf(owner: string): Pipeline | undefined {
    return this.#open.get(owner)?.last;
  }

  /** Who has any. */
  all(): Iterable<string> {
    return this.#open.keys();
  }

  /**
   * Calls this when all that an owner has under way is through; at once where that is nothing.
   *
   * @param timeout ms, after which it waits no longer
   */
  afterAll(owner: string, timeout: number, go: () => void): void {
    const open = this.#open.get(owner);
    if (open === undefined) {
      go();
      return;
    }
    let isGone = false;
    const once = () => {
      clearTimeout(timer);
      if (!isGone) go();
      isGone = true;
    };
    const timer = setTimeout(once, timeout).unref();
    open.followers ??= [];
    open.followers.push({ left: open.count, before: open.begun, go: once });
  }

  /** The same work, which counts as its owner's until it is through. */
  begin(work: Work, owner: string, pipeline: Pipeline): Work {
    let open = this.#open.get(owner);
    if (open === undefined) {
      open = { last: pipeline, count: 0, begun: 0, followers: undefined };
      this.#open.set(owner, open);
    }
    const his = open;
    his.last = pipeline;
    his.count += 1;
    his.begun += 1;
    const number = his.begun;
    const { done, refuse, failed } = work;
    let isThrough = false;
    const through = () => {
      if (isThrough) return;
      isThrough = true;
      his.count -= 1;
      if (his.count === 0) this.#open.delete(owner);
      if (his.followers !== undefined) proceed(his.followers, number);
    };
    const counted: Mutable<Work> = {
      ...work,
      done: (reply) => {
        through();
        done(reply);
      },
    };
    if (refuse !== undefined) {
      counted.refuse = () => {
        through();
        refuse();
      };
    }
    if (failed !== undefined || refuse === undefined) {
      counted.failed = (error) => {
        through();
        failed?.(error);
      };
    }
    return counted;
  }
}

function proceed(followers: Follower[], number: number): void {
  for (const follower of followers) if (number <= follower.before) follower.left -= 1;
  for (let [first] = followers; first?.left === 0; [first] = followers) {
    followers.shift();
    first.go();
  }
}
