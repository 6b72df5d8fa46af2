import { createHash } from 'node:crypto';
import type { Command, Redis } from 'ioredis';
import { LateCallError } from '../contract.ts';
import { type Argument, commandBytes } from './command-bytes.ts';

/** A script, as Redis knows it. */
export interface Script {
  readonly lua: string;
  /** Its SHA-1 in hexadecimal. */
  readonly sha: string;
}

export const scriptOf = (lua: string): Script => ({ lua, sha: createHash('sha1').update(lua).digest('hex') });

/** How many keys there are, these, and the rest. */
type ScriptArguments = readonly Argument[];

/** Connections on which a script has been sent whole. */
const known = new WeakMap<Script, WeakSet<object>>();

/** What ioredis looks at of a command that is not for a cluster, a transaction or a subscriber. */
type Sendable = Pick<
  Command,
  | 'name'
  | 'args'
  | 'promise'
  | 'resolve'
  | 'reject'
  | 'isTraced'
  | 'inTransaction'
  | 'setReplyContext'
  | 'setTimeout'
  | 'setBlockingTimeout'
  | 'extractBlockingTimeout'
  | 'toWritable'
>;

/**
 * A call of a script with many arguments. The commands that ioredis defines do the same, but copy the arguments four times and
 * ask the engine for the bytes of each: a batch has up to 4,000. Nor is it a Command of theirs, of which one alone takes longer to be made
 * and ended than the rest of its way to Redis: that has a promise within another, five closures, and loses its shape with its timer.
 */
class ScriptCommand implements Sendable {
  name = 'evalsha';
  /** What errors and traces show: not the arguments, in which there are messages. */
  readonly args: string[];
  readonly promise: Promise<unknown>;
  isTraced = false;
  readonly inTransaction = false;
  readonly #script: Script;
  readonly #args: ScriptArguments;
  #give: (reply: unknown) => void = () => {};
  #fail: (error: Error) => void = () => {};
  #timer: NodeJS.Timeout | undefined = undefined;
  #socket: object | undefined = undefined;

  constructor(called: Script, args: ScriptArguments) {
    this.args = [called.sha];
    this.#script = called;
    this.#args = args;
    this.promise = new Promise((give, fail) => {
      this.#give = give;
      this.#fail = fail;
    });
  }

  /** The script goes along where the connection has not had it yet, so that no call waits for another to bring it. */
  toWritable(socket: object): Buffer {
    const { lua, sha } = this.#script;
    let sockets = known.get(this.#script);
    if (sockets === undefined) {
      sockets = new WeakSet();
      known.set(this.#script, sockets);
    }
    this.#socket = socket;
    const isKnown = sockets.has(socket);
    if (!isKnown) sockets.add(socket);
    this.name = isKnown ? 'evalsha' : 'eval';
    return commandBytes(this.name, isKnown ? sha : lua, this.#args);
  }

  /** Redis has lost the script since. */
  forget(): void {
    if (this.#socket !== undefined) known.get(this.#script)?.delete(this.#socket);
  }

  setTimeout(ms: number): void {
    this.#timer ??= setTimeout(timedOut, ms, this);
  }

  resolve(reply: unknown): Promise<unknown> {
    clearTimeout(this.#timer);
    this.#give(textsOf(reply));
    return this.promise;
  }

  reject(error: Error): void {
    clearTimeout(this.#timer);
    this.#fail(error);
  }

  setReplyContext(): void {}
  setBlockingTimeout(): void {}
  extractBlockingTimeout(): undefined {}
}

function timedOut(command: ScriptCommand): void {
  command.reject(new Error('Command timed out'));
}

/** A reply with texts for the buffers that are in it. */
function textsOf(reply: unknown): unknown {
  if (reply instanceof Buffer) return reply.toString();
  return Array.isArray(reply) ? reply.map(textsOf) : reply;
}

/** Redis had lost the script, and has not carried out the call. */
class LostScriptError extends LateCallError {
  override name = 'LostScriptError';
  constructor() {
    super('Redis had lost a script, and the call was not carried out');
  }
}

/**
 * Calls a script.
 *
 * @param isOrdered whether a later call must not be carried out before this one: then it is not made again by itself where Redis had lost
 *   the script, since by now another client may have brought it, just before a later call came
 * @throws ReplyError and connection errors of ioredis, and a {@link LostScriptError} where it is ordered
 */
export async function callScript(
  redis: Redis,
  called: Script,
  args: ScriptArguments,
  isOrdered = false,
): Promise<unknown> {
  const command = new ScriptCommand(called, args);
  try {
    return await redis.sendCommand(command as unknown as Command);
  } catch (error) {
    if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
    command.forget();
    if (isOrdered) throw new LostScriptError();
    return await redis.sendCommand(new ScriptCommand(called, args) as unknown as Command);
  }
}
