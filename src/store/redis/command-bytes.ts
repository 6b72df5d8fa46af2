/** A text as its bytes in UTF-8, each a character. Nearly all are ASCII, which takes the engine a fraction of a scan to tell. */
const octets = (text: string) =>
  Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1');

/**
 * A command as Redis takes it (RESP), from texts and numbers. ioredis joins all arguments into one string and leaves the encoding
 * to the socket: one text in another script than Latin makes that string one of two bytes a character, and all of it is looked
 * through and written anew. Here only that text is.
 */
export function commandBytes(name: string, first: string, others: readonly (string | number)[]): Buffer {
  const head = octets(first);
  let all = `*${others.length + 2}\r\n$${name.length}\r\n${name}\r\n$${head.length}\r\n${head}\r\n`;
  for (const argument of others) {
    const text = typeof argument === 'number' ? `${argument}` : octets(argument);
    all += `$${text.length}\r\n${text}\r\n`;
  }
  return Buffer.from(all, 'latin1');
}
