import { encoded } from '../../util/octets.ts';

/** An argument that is octets (octets.ts), and not text. */
export class Octets {
  constructor(readonly octets: string) {}
}

/** Arguments that are the same in each call, as Redis takes them. */
export class Constants {
  readonly count: number;
  readonly bytes: string;

  constructor(all: readonly (string | number)[]) {
    this.count = all.length;
    this.bytes = all.map((argument) => bulk(encoded(`${argument}`))).join('');
  }
}

/** Arguments of a command: texts, numbers and octets. */
export type Argument = string | number | Octets | Constants;

const bulk = (octets: string) => `$${octets.length}\r\n${octets}\r\n`;

/**
 * A command as Redis takes it (RESP), from texts and numbers. ioredis joins all arguments into one string and leaves the encoding
 * to the socket: one text in another script than Latin makes that string one of two bytes a character, and all of it is looked
 * through and written anew. Here only that text is.
 */
export function commandBytes(name: string, first: string, others: readonly Argument[]): Buffer {
  let count = others.length + 2;
  let all = `${bulk(name)}${bulk(encoded(first))}`;
  for (const argument of others) {
    if (argument instanceof Constants) {
      all += argument.bytes;
      count += argument.count - 1;
    } else {
      const text =
        typeof argument === 'string'
          ? encoded(argument)
          : typeof argument === 'number'
            ? `${argument}`
            : argument.octets;
      all += `$${text.length}\r\n${text}\r\n`;
    }
  }
  return Buffer.from(`*${count}\r\n${all}`, 'latin1');
}
