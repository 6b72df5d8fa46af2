import { createHash } from 'node:crypto';
import { Command, type Redis } from 'ioredis';
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

/**
 * A call of a script with many arguments. The commands that ioredis defines do the same, but copy the arguments four times and
 * ask the engine for the bytes of each: a batch has up to 4,000.
 */
class ScriptCommand extends Command {
  readonly #script: Script;
  readonly #args: ScriptArguments;
  #socket: object | undefined;

  constructor(called: Script, args: ScriptArguments) {
    // What ioredis looks at, but for the keys: none of our connections has a prefix for those, or chooses a node by them.
    super('evalsha', [called.sha], { replyEncoding: 'utf8' });
    this.#script = called;
    this.#args = args;
  }

  /** The script goes along where the connection has not had it yet, so that no call waits for another to bring it. */
  override toWritable(socket: object): Buffer {
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
}

/**
 * Calls a script.
 *
 * @throws ReplyError and connection errors of ioredis
 */
export async function callScript(redis: Redis, called: Script, args: ScriptArguments): Promise<unknown> {
  const command = new ScriptCommand(called, args);
  try {
    return await redis.sendCommand(command);
  } catch (error) {
    if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
    command.forget();
    return await redis.sendCommand(new ScriptCommand(called, args));
  }
}
