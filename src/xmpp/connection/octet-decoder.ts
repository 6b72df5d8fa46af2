import { isUtf8 } from 'node:buffer';

/**
 * Gives the bytes of a stream as octets (octets.ts). What is not UTF-8 becomes replacement characters: it would end our own
 * stream to the server.
 */
export class OctetDecoder {
  /** The beginning of a character whose end has not come yet. */
  #held: Buffer | undefined;

  write(bytes: Buffer): string {
    const all = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes]);
    const end = all.length - unfinished(all);
    this.#held = end === all.length ? undefined : Buffer.from(all.subarray(end));
    const whole = end === all.length ? all : all.subarray(0, end);
    return isUtf8(whole) ? whole.toString('latin1') : Buffer.from(whole.toString()).toString('latin1');
  }
}

/** How many bytes at the end are the beginning of a character. */
function unfinished(bytes: Buffer): number {
  for (let count = 1; count <= 3 && count <= bytes.length; count += 1) {
    const byte = bytes[bytes.length - count] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return count < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? count : 0;
  }
  return 0;
}

/** Octets as they are written. The last line of defence: a byte that is not UTF-8 ends the stream on every server. */
export function bytesOf(octets: string): Buffer {
  const bytes = Buffer.from(octets, 'latin1');
  return isUtf8(bytes) ? bytes : Buffer.from(bytes.toString());
}
