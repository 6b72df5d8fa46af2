import { DIGEST_LENGTH, KEY_LENGTH } from '../../../xmpp/stanza/message-key.ts';
import { type Argument, Octets } from '../command-bytes.ts';

/** Lua takes no more than about 8,000 at a time. */
const LONGEST = 3000;
/** No reason to refuse it, and no limit of the domain. */
const OWN_LIMITS = / 0 0$/;
/** The first nine digits of when a record was stored: tens of seconds. */
const TEN = /^.{10}(\d{9})/s;

/** Two digits of seven bits each. */
const number = (count: number) => String.fromCharCode(count >> 7, count & 127);
const longNumber = (ten: number) =>
  String.fromCharCode(Math.floor(ten / 2 ** 28), (ten >> 21) & 127, (ten >> 14) & 127) + number(ten & 0x3fff);

/** What there is in one shard. */
interface Group {
  readonly position: number;
  messages: number;
  overs: number;
  tells: number;
  others: number;
}

class Columns {
  readonly #prefixes: readonly string[];
  readonly #seen = new Set<string>();
  readonly #groups: Group[] = [];
  readonly #tens = new Map<number, number>();
  readonly #messages: Argument[] = [];
  readonly #receipts: string[] = [];
  readonly #endings: Argument[] = [];
  readonly #overs: string[] = [];
  readonly #endingsOver: Argument[] = [];
  readonly #tells: string[] = [];
  readonly #others: string[] = [];
  readonly #senders: Argument[] = [];
  readonly #recipients: Argument[] = [];
  readonly #limits: Argument[] = [];
  readonly #users: string[] = [];
  #before = '';
  #order = '';

  constructor(prefixes: readonly string[]) {
    this.#prefixes = prefixes;
  }

  /** Takes up the operation that stands there. Returns how many arguments it has; 0 where it is another, or cannot go with those before it. */
  take(args: readonly Argument[], at: number): number {
    const operation = args[at];
    if (operation === 'shard') {
      this.#order += `S${args[at + 1]}`;
      return this.#begin(Number(args[at + 1])) ? 2 : 0;
    }
    // What comes before any other is named is for the first.
    if (this.#groups.length === 0 && !this.#begin(1)) return 0;
    const key = args[at + 1] as string;
    switch (operation) {
      case 'accept':
        return this.#message('a', key, args[at + 2]) ? 3 : 0;
      case 'acceptCounted':
        return this.#message('c', key, args[at + 2]) ? 3 : 0;
      case 'withinQuota':
        return this.#asked(args, at) ? 9 : 0;
      case 'settleAtHand':
        return this.#receipt('s', key, args[at + 2]) ? 3 : 0;
      case 'settleToldAtHand':
        return this.#receipt('o', key, args[at + 2]) ? 3 : 0;
      case 'notified':
        return this.#told(args, at);
      case 'anythingOut':
        return this.#asksOf(args, at);
      default:
        return 0;
    }
  }

  /** All of it; undefined where it is too much for one call of a command. */
  all(): Argument[] | undefined {
    const columns = [
      ...[...this.#messages, ...this.#receipts, ...this.#overs, ...this.#endings, ...this.#endingsOver],
      ...[...this.#tells, ...this.#others, ...this.#senders, ...this.#recipients, ...this.#limits, ...this.#users],
    ];
    if (columns.length > LONGEST) return undefined;
    const settles = this.#endings.length + this.#overs.length;
    let header = number(this.#messages.length / 2) + number(settles) + number(this.#overs.length);
    header += number(this.#tells.length) + number(this.#others.length) + number(this.#senders.length);
    header += number(this.#groups.length) + number(this.#tens.size) + number(this.#users.length / 2);
    for (const { position, messages, overs, tells, others } of this.#groups) {
      header += number(position) + number(messages) + number(overs) + number(tells) + number(others);
    }
    for (const [ten, count] of this.#tens) header += longNumber(ten) + number(count);
    return ['columns', header + this.#order, ...columns];
  }

  get #group(): Group {
    return this.#groups[this.#groups.length - 1] as Group;
  }

  #begin(position: number): boolean {
    const prefix = this.#prefixes[position - 1];
    if (prefix === undefined) return false;
    this.#groups.push({ position, messages: 0, overs: 0, tells: 0, others: 0 });
    this.#before = `${prefix}.`;
    return true;
  }

  /** Whether nothing else is to be done with it. */
  #isFirst(key: unknown): key is string {
    if (typeof key !== 'string' || key.length !== KEY_LENGTH || this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }

  #message(letter: string, key: string, value: Argument | undefined): boolean {
    const text = value instanceof Octets ? value.octets : value;
    const ten = typeof text === 'string' ? TEN.exec(text)?.[1] : undefined;
    if (ten === undefined || !this.#isFirst(key)) return false;
    this.#tens.set(Number(ten), (this.#tens.get(Number(ten)) ?? 0) + 1);
    this.#messages.push(this.#before + key, value as Argument);
    this.#group.messages += 1;
    this.#order += letter;
    return true;
  }

  #asked(args: readonly Argument[], at: number): boolean {
    const [key, sender, recipient, limits, why, stores, same, value] = args.slice(at + 1, at + 9) as string[];
    if (why !== '' || key !== same || !OWN_LIMITS.test(limits as string)) return false;
    const letter = stores === 'accept' ? 'w' : stores === 'acceptCounted' ? 'x' : undefined;
    if (letter === undefined || !this.#message(letter, key as string, value)) return false;
    this.#senders.push(sender as string);
    this.#recipients.push(recipient as string);
    this.#limits.push(limits as string);
    return true;
  }

  #receipt(letter: 's' | 'o', key: string, ending: Argument | undefined): boolean {
    if (ending === undefined || !this.#isFirst(key)) return false;
    const isOver = letter === 'o';
    if (isOver) this.#group.overs += 1;
    (isOver ? this.#overs : this.#receipts).push(this.#before + key);
    (isOver ? this.#endingsOver : this.#endings).push(ending);
    this.#order += letter;
    return true;
  }

  #told(args: readonly Argument[], at: number): number {
    const count = Number(args[at + 1]);
    if (!(count > 0) || at + 2 + count > args.length) return 0;
    let delivered = 0;
    for (let place = at + 2; place < at + 2 + count; place += 1) {
      const member = args[place] as string;
      // The others have a letter behind their key.
      const isDelivered = member.length === KEY_LENGTH || member.length === KEY_LENGTH + 1 + DIGEST_LENGTH;
      if (isDelivered) delivered += 1;
      (isDelivered ? this.#tells : this.#others).push(member);
    }
    this.#group.tells += delivered;
    this.#group.others += count - delivered;
    this.#order += `n${delivered},${count - delivered}`;
    return 2 + count;
  }

  /** Of each user what is out to him, and whether a session of his was asked whether it is there. */
  #asksOf(args: readonly Argument[], at: number): number {
    const count = Number(args[at + 1]);
    if (!(count > 0) || at + 2 + count > args.length) return 0;
    const prefix = this.#before.slice(0, -1);
    for (const user of args.slice(at + 2, at + 2 + count)) {
      this.#users.push(`${prefix}:copies:${user}`, `${prefix}:asked:${user}`);
    }
    this.#order += `u${count}`;
    return 2 + count;
  }
}

/**
 * The arguments of a batch of nothing but the usual (scripts/include/plain-batch.lua) in columns, as its commands take them: what is to be
 * stored, what is settled, and who was told stand together, so that the script makes no lists of its own, and there is no name
 * of an operation for each. A header says how many there are of each, in which shards, and in which order they came, since
 * the script carries out each by itself where one finds something else.
 *
 * @param first where the operations begin
 * @param prefixes of the shards that may be named
 * @returns undefined for any other batch
 */
export function inColumns(
  args: readonly Argument[],
  first: number,
  prefixes: readonly string[],
): Argument[] | undefined {
  const columns = new Columns(prefixes);
  for (let at = first; at < args.length; ) {
    const width = columns.take(args, at);
    if (width === 0) return undefined;
    at += width;
  }
  const all = columns.all();
  return args.length > first && all ? [...args.slice(0, first), ...all] : undefined;
}
