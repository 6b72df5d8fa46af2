/**
 * The names of everything that the ledger keeps in Redis. All begin with one prefix that bears a hash tag, so that on
 * Redis Cluster they share a slot and one script may touch them all. scripts/record.lua builds the same names.
 */
export class Keys {
  constructor(readonly prefix: string) {}

  /** STRING: a record; with a time limit once it has ended (then it is the dedup set's entry). */
  record(key: string): string {
    return `${this.prefix}:m:${key}`;
  }
  /** LIST: records that are found under this key beside the one of that name, oldest first. */
  index(key: string): string {
    return `${this.prefix}:i:${key}`;
  }
  /** STRING: what ended undelivered, whole, for as long as an operator may send it after all. */
  undelivered(key: string): string {
    return `${this.prefix}:u:${key}`;
  }
  /**
   * ZSET: what has a next step, by the time (ms) that it is due; the truth that jobs are rebuilt from. Pending records by
   * their key; ended ones whose sender must still be told by their key, and their state's letter unless delivered.
   */
  get due(): string {
    return `${this.prefix}:due`;
  }
  /** HASH: how many records are pending, by the minute that they were stored in. */
  get ages(): string {
    return `${this.prefix}:ages`;
  }
  /** STRING: this recipient returns receipts. */
  confirms(recipient: string): string {
    return `${this.prefix}:confirms:${recipient}`;
  }
  /** SET: what was handed over to a recipient who was never seen to return a receipt. */
  waiting(recipient: string): string {
    return `${this.prefix}:waiting:${recipient}`;
  }
  /** HASH: requests between users that wait for their reply, by the id that we gave them (scripts/query.lua). */
  get questions(): string {
    return `${this.prefix}:iq`;
  }
  /** ZSET: their ids, by the time (ms) that they are over. */
  get questionTimes(): string {
    return `${this.prefix}:iq:due`;
  }
  /** HASH: how many of them each bare JID asks. */
  get questionCounts(): string {
    return `${this.prefix}:iq:by`;
  }
  /** STRING: whether a client of these capabilities (XEP-0115) supports receipts, `y` or `n`. */
  caps(hash: string, ver: string): string {
    return `${this.prefix}:caps:${hash}:${ver}`;
  }
}
