import { Command } from 'ioredis';

const NOT_ASCII = /[^\x00-\x7f]/;
/** Commands with so many arguments are batches. */
const MANY = 20;

/** A text as its bytes in UTF-8, each a character. */
const octets = (text: string) => (NOT_ASCII.test(text) ? Buffer.from(text).toString('latin1') : text);

/** A command as Redis takes it (RESP), from texts and numbers. */
export function commandBytes(name: string, args: readonly unknown[]): Buffer {
  let all = `*${args.length + 1}\r\n$${name.length}\r\n${name}\r\n`;
  for (const argument of args) {
    const text = octets(String(argument));
    all += `$${text.length}\r\n${text}\r\n`;
  }
  return Buffer.from(all, 'latin1');
}

interface Written {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly bufferMode?: boolean;
}

const inherited = Command.prototype.toWritable;

/**
 * ioredis joins all arguments of a command into one string, asks the engine for the bytes of each, and leaves the encoding to the socket.
 * One text in another script than Latin makes that string one of two bytes a character, and all of it is looked through and
 * written anew: 1.6 times the time of a batch in ASCII. Here only that text is.
 */
Command.prototype.toWritable = function toWritable(this: Command, socket: object): string | Buffer {
  const { name, args, bufferMode } = this as unknown as Written;
  if (args.length < MANY || bufferMode) return inherited.call(this, socket);
  return commandBytes(name, args);
};
