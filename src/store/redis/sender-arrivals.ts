import { type RequestOf, senderAvailable, type Work } from '../contract.ts';

type SenderCame = RequestOf<'senderAvailable'>;

/**
 * Has each shard by itself make due what a sender who came could not be told: one that stands still delays what it owes, and nothing
 * else. A shard is asked for one sender once at a time, and once more if he has come again meanwhile, so that what waits for
 * a shard that stands still is bounded by the number of users.
 */
export class SenderArrivals {
  readonly #push: (shard: number, work: Work<SenderCame>) => void;
  /** Shards and users that are asked, or to be: whether he has come again since. */
  readonly #underWay = new Map<string, boolean>();

  constructor(push: (shard: number, work: Work<SenderCame>) => void) {
    this.#push = push;
  }

  /** @param done called when the shards have been asked that were not being asked already */
  come(user: string, shards: number, done: () => void): void {
    let left = 1;
    const through = () => {
      left -= 1;
      if (left === 0) done();
    };
    for (let shard = 0; shard < shards; shard += 1) {
      const name = `${shard}:${user}`;
      if (this.#underWay.has(name)) this.#underWay.set(name, true);
      else {
        left += 1;
        this.#ask(name, shard, user, through);
      }
    }
    through();
  }

  #ask(name: string, shard: number, user: string, through: () => void): void {
    this.#underWay.set(name, false);
    const over = () => {
      const isWantedAgain = this.#underWay.get(name) === true;
      this.#underWay.delete(name);
      if (isWantedAgain) this.#ask(name, shard, user, through);
      else through();
    };
    const portion = (cursor: string): void =>
      this.#push(shard, {
        request: senderAvailable(user, cursor),
        done: (next) => (next === '0' ? over() : portion(next)),
        failed: over,
      });
    portion('0');
  }
}
