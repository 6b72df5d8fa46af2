/**
 * The names of everything that a shard of the ledger keeps in Redis. All begin with one prefix that bears a hash tag, so that
 * on Redis Cluster they share a slot and one script may touch them all. scripts/include/keys.lua makes the same names.
 */
export class Keys {
  constructor(readonly prefix: string) {}

  /**
   * STRING: a record; once it has ended it is the dedup set's entry, with a time limit, or without one where it stands in `ended` or will when
   * its sender is told (scripts/include/run-ahead.lua). A name of 30 characters or fewer takes 32 bytes, a longer one 48.
   */
  record(key: string): string {
    return `${this.prefix}.${key}`;
  }
  /** LIST: records that are found under this key beside the one of that name, oldest first. */
  index(key: string): string {
    return `${this.prefix}:i:${key}`;
  }
  /** LIST: records of what corrects or retracts the message of this key, in the order in which they were stored. */
  corrections(key: string): string {
    return `${this.prefix}:c:${key}`;
  }
  /** STRING: what ended undelivered, whole, for as long as an operator may send it after all. */
  undelivered(key: string): string {
    return `${this.prefix}:u:${key}`;
  }
  /**
   * ZSET: what has a next step, by the time (ms) that it is due; the truth that jobs are rebuilt from. Pending records by
   * their key; ended ones whose sender must still be told by their key, and their state's letter unless delivered. Before format 6 its
   * name was `due`, which is now a text: a process that does not know this format can store nothing.
   */
  get due(): string {
    return `${this.prefix}:dues`;
  }
  /** HASH: how many records are pending, by the minute that they were stored in. */
  get ages(): string {
    return `${this.prefix}:ages`;
  }
  /**
   * LIST: keys of records that were delivered, and of which nothing is owed, in the order in which that came about; before them
   * `@` and when (ms).
   */
  get ended(): string {
    return `${this.prefix}:ended`;
  }
  /** STRING: how the entries of what was delivered are spread: see scripts/include/delivered.lua. */
  get delivered(): string {
    return `${this.prefix}:delivered`;
  }
  /** HASH: some of them: by 48 bits of a message's key 60 bits of its payload's digest, and a letter that says when. */
  deliveredPart(place: number): string {
    return `${this.prefix}:d:${place}`;
  }
  /** STRING: this recipient returns receipts: `1` to anybody, `s` so far only to contacts. */
  confirms(recipient: string): string {
    return `${this.prefix}:confirms:${recipient}`;
  }
  /**
   * HASH: copies to this recipient that were handed over, or came back, and that no receipt has come for, by their record's key: see
   * scripts/include/copies.lua. Of many of them there are several hashes, by `place`.
   */
  copies(recipient: string, place = 0): string {
    return `${this.prefix}:copies:${recipient}${place === 0 ? '' : `\0${place}`}`;
  }
  /** SET: keys of this sender's messages that are in trouble and not counted there: they ended undelivered, or their first copy came back. */
  from(sender: string): string {
    return `${this.prefix}:from:${sender}`;
  }
  /** LIST: what happened to a message beside that its first copy was handed over, oldest first: `<ms> <event>`. */
  life(key: string): string {
    return `${this.prefix}:life:${key}`;
  }
  /** HASH: who wants a user's presence, and how he stands to him: `s` (subscribed) or `p` and when (ms) he asked. */
  subscriptions(contact: string): string {
    return `${this.prefix}:sub:${contact}`;
  }
  /** SET: all users that have such a hash. */
  get contacts(): string {
    return `${this.prefix}:subs`;
  }
  /** HASH: in Redis Cluster, whose presence a user gets, as the shards of those have said. */
  subscribedTo(subscriber: string): string {
    return `${this.prefix}:to:${subscriber}`;
  }
  /**
   * HASH: a user's sessions by their resource, each `<since ms>;<y|n|u: returns receipts>;<last heard of, ms>;<caps>`; a
   * field without a name while his presence is known, so that nothing but it means that he is offline; and beside one
   * whose priority is negative, or was, NUL and its resource (scripts/include/presence.lua).
   */
  sessions(user: string): string {
    return `${this.prefix}:sessions:${user}`;
  }
  /**
   * STRING: a user's server was asked whether that one is subscribed to him, `p` by the subscriber's server or client, `v` by us; until
   * it has answered, for a minute at the most.
   */
  probed(contact: string, subscriber: string): string {
    return `${this.prefix}:probed:${contact}\0${subscriber}`;
  }
  /**
   * HASH: what came of asking a user's sessions whether they are there, by their resource: `<since ms>;<asked ms>;` and `a`
   * (answered), `s` (silent) or `?`.
   */
  asked(user: string): string {
    return `${this.prefix}:asked:${user}`;
  }
  /** HASH: requests between users that wait for their reply, by the id that we gave them (scripts/include/iq-requests.lua). */
  get iqRequests(): string {
    return `${this.prefix}:iq`;
  }
  /** ZSET: their ids, by the time (ms) that they are over. */
  get iqDeadlines(): string {
    return `${this.prefix}:iq:due`;
  }
  /** HASH: how many of them each bare JID asks. */
  get iqCounts(): string {
    return `${this.prefix}:iq:by`;
  }
  /** STRING: whether a client of these capabilities (XEP-0115) supports receipts, `y` or `n`. */
  caps(hash: string, ver: string): string {
    return `${this.prefix}:caps:${hash}:${ver}`;
  }
  /** STRING: what the ledger's time is made of: see scripts/include/clock.lua. */
  get clock(): string {
    return `${this.prefix}:clock`;
  }
  /** Of any type: what was found damaged in a record's place, for as long as an undelivered message is kept. */
  quarantined(key: string): string {
    return `${this.prefix}:q:${key}`;
  }
  /** ZSET: keys of damaged records, by when (ms) each was found. Beside it, SET `:new`: those that no log has named. */
  get damaged(): string {
    return `${this.prefix}:damaged`;
  }
  /** HASH: how many messages of this sender were handed over and have not ended, by recipient: see scripts/include/copies.lua. */
  holds(sender: string): string {
    return `${this.prefix}:holds:${sender}`;
  }
  /** HASH: how many of these there are, and their bytes, by sender, and by `@` and domain. On one Redis the first shard has all. */
  get load(): string {
    return `${this.prefix}:load`;
  }
  /** HASH: recipients whose copies' due times are being brought forward: see scripts/include/due-advance.lua. */
  get advance(): string {
    return `${this.prefix}:advance`;
  }
  /** STRING: since when (ms) and by whom further copies are kept back; absent when they are not. */
  get paused(): string {
    return `${this.prefix}:paused`;
  }
  /** STRING: up to when (ms) what was stored is of an older copy that was restored, and what becomes of it (scripts/restored.lua). */
  get restored(): string {
    return `${this.prefix}:restored`;
  }
  /**
   * SET: those of a user's subscribers to whom that session has said that it is unavailable, while it is not known to have
   * ended.
   */
  hidden(user: string, resource: string): string {
    return `${this.prefix}:hidden:${user}\0${resource}`;
  }
  /** STREAM: steps of messages whose lives are kept (TRACE_MESSAGES), those of one message all in the same (steps.ts). */
  steps(part: number): string {
    return `${this.prefix}:steps:${part}`;
  }
  /** STREAM: the messages that have such steps, in the order in which they came. */
  get traced(): string {
    return `${this.prefix}:traced`;
  }
  /** STRING: what a presence stanza has brought about, by its token, for a minute. */
  done(token: string): string {
    return `${this.prefix}:done:${token}`;
  }
  /** ZSET: processes whose link is up, by when (ms) they last said so. */
  get alive(): string {
    return `${this.prefix}:alive`;
  }
  /** STRING: the process that asks after everybody, and since when (ms). */
  get asking(): string {
    return `${this.prefix}:asking`;
  }
  /** STRING: an ad-hoc command's session (scripts/include/administration.lua). */
  commandSession(id: string): string {
    return `${this.prefix}:session:${id}`;
  }
  /** STRING: the process that is connected to the server where only one is at a time; until it must renew that. */
  get connected(): string {
    return `${this.prefix}:connected`;
  }
  /** HASH: which ledger this is (scripts/probe.lua). */
  get identity(): string {
    return `${this.prefix}:identity`;
  }
  /** STRING: in Redis Cluster, by what it is known that the shard was set back to an older copy (scripts/mark.lua). */
  get mark(): string {
    return `${this.prefix}:mark`;
  }
  /** STRING: written so that there is something to wait for (durability.ts). */
  get durability(): string {
    return `${this.prefix}:durability`;
  }
  /** STRING: a stanza of this id was sent by one of this Redis' processes to itself. */
  selfPing(id: string): string {
    return `${this.prefix}:self:${id}`;
  }
}
