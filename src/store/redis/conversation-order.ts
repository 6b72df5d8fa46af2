/** Somebody's turn; without `give` it is not known yet what he is given. */
interface Turn {
  give: (() => void) | undefined;
}

/** A conversation in which something waits. */
interface Conversation {
  /** Results, in the order in which they are given. */
  readonly turns: Turn[];
  /** What is carried out when those are given. */
  readonly later: (() => void)[];
  /** Of what is in {@link later}. */
  bytes: number;
  /** How many of {@link later} wait for something else as well. */
  closed: number;
  isProceeding: boolean;
}

/** Gives the result whose place was kept. */
export type Give = (give: () => void) => void;

export interface ConversationOrderOptions {
  /** How long a result is waited for, ms: longer than it takes to be refused. */
  readonly timeout: number;
  /** Is told what a result that waited has led to: nobody else is there to take it. */
  readonly onError: (error: unknown) => void;
}

/** What may wait in a conversation; beyond that new messages are refused at once. */
const MOST_WAITING = 5000;
const MOST_BYTES = 8 * 1024 * 1024;
/** The bytes that may wait in all of them: as many as one pipeline for all shards may hold. */
const MOST_BYTES_OF_ALL = 64 * 1024 * 1024;

/**
 * Keeps the order of a conversation where one of its messages takes longer than the others: it is asked about in another shard. What came
 * behind it and is under way already has its result given after that one's; what comes later is carried out then.
 */
export class ConversationOrder {
  readonly #options: ConversationOrderOptions;
  /** By conversation: those in which something waits, which are nearly always none. */
  readonly #waiting = new Map<string, Conversation>();
  /** Of what is to be carried out later. */
  #bytes = 0;

  constructor(options: ConversationOrderOptions) {
    this.#options = options;
  }

  /** Whether nothing waits, in any conversation. */
  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Whether a message of so many bytes may wait behind what its conversation waits for; also where that is nothing. */
  hasRoom(name: string, bytes: number): boolean {
    const conversation = this.#waiting.get(name);
    if (conversation === undefined) return true;
    const { turns, later } = conversation;
    if (turns.length + later.length >= MOST_WAITING) return false;
    return conversation.bytes + bytes <= MOST_BYTES && this.#bytes + bytes <= MOST_BYTES_OF_ALL;
  }

  /** Has what comes behind it wait for a result that is not there yet. What it returns is to be called once. */
  keepPlace(name: string): Give {
    const turn: Turn = { give: undefined };
    this.#of(name).turns.push(turn);
    const limit = setTimeout(() => {
      turn.give = () => {};
      this.#proceed(name);
    }, this.#options.timeout).unref();
    return (give) => {
      clearTimeout(limit);
      if (turn.give === undefined) {
        turn.give = give;
        this.#proceed(name);
      } else give();
    };
  }

  /** Gives a result now, or when all before it in its conversation are given. */
  inTurn(name: string, give: () => void): void {
    const turns = this.#waiting.get(name)?.turns;
    if (turns === undefined || turns.length === 0) give();
    else turns.push({ give });
  }

  /** Carries something out when all that its conversation waits for is given; does nothing where that is nothing. */
  putOff(name: string, carryOut: () => void, bytes = 0): boolean {
    const conversation = this.#waiting.get(name);
    if (conversation === undefined) return false;
    this.#addLater(conversation, carryOut, bytes);
    return true;
  }

  /** The same, but not before what it returns is called. */
  putOffUntil(name: string, carryOut: () => void, bytes = 0): () => void {
    const conversation = this.#of(name);
    this.#addLater(conversation, carryOut, bytes);
    conversation.closed += 1;
    return () => {
      conversation.closed -= 1;
      this.#proceed(name);
    };
  }

  #addLater(conversation: Conversation, carryOut: () => void, bytes: number): void {
    conversation.later.push(carryOut);
    conversation.bytes += bytes;
    this.#bytes += bytes;
  }

  #of(name: string): Conversation {
    let conversation = this.#waiting.get(name);
    if (conversation === undefined) {
      conversation = { turns: [], later: [], bytes: 0, closed: 0, isProceeding: false };
      this.#waiting.set(name, conversation);
    }
    return conversation;
  }

  #proceed(name: string): void {
    const conversation = this.#waiting.get(name);
    // It goes on by itself where what is given now leads back here.
    if (conversation === undefined || conversation.isProceeding) return;
    conversation.isProceeding = true;
    const { turns, later } = conversation;
    for (let [first] = turns; first?.give !== undefined; [first] = turns) {
      this.#try(first.give);
      turns.shift();
    }
    conversation.isProceeding = false;
    if (turns.length > 0 || conversation.closed > 0) return;
    this.#waiting.delete(name);
    this.#bytes -= conversation.bytes;
    for (const carryOut of later) this.#try(carryOut);
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.onError(error);
    }
  }
}
