import { encoded } from '../../util/octets.ts';

/** An argument that is octets (octets.ts), and not text. */
export class Octets {
  constructor(readonly octets: string) {}
}

/** Arguments of a command: texts, numbers and octets. */
export type Argument = string | number | Octets;

/**
 * A command as Redis takes it (RESP), from texts and numbers. ioredis joins all arguments into one string and leaves the encoding
 * to the socket: one text in another script than Latin makes that string one of two bytes a character, and all of it is looked
 * through and written anew. Here only that text is.
 */
export function commandBytes(name: string, first: string, others: readonly Argument[]): Buffer {
  const head = encoded(first);
  let all = `*${others.length + 2}\r\n$${name.length}\r\n${name}\r\n$${head.length}\r\n${head}\r\n`;
  for (const argument of others) {
    const text =
      typeof argument === 'string' ? encoded(argument) : typeof argument === 'number' ? `${argument}` : argument.octets;
    all += `$${text.length}\r\n${text}\r\n`;
  }
  return Buffer.from(all, 'latin1');
}
