import { BODY } from './addresses.ts';

/** `real`: as clients write them, half of them in Chinese; the others: with nothing but text and a request. */
export type Load = 'real' | 'ascii' | 'chinese' | 'emoji';

const cut = (text: string, bytes: number): string => {
  let out = '';
  for (const character of text.repeat(20)) {
    if (Buffer.byteLength(out + character) > bytes) break;
    out += character;
  }
  return out.padEnd(out.length + bytes - Buffer.byteLength(out), '.');
};

const FRENCH = cut('Ça va ? On se voit au café à cinq heures, devant la gare. Apporte les clés. ', 300);
const CHINESE = cut('今天下午五点在火车站前面见面，请把钥匙和雨伞带来，谢谢你的帮助。😀', 300);
const EMOJI = cut(
  'See you at five 😀🎉 in front of the station 🚉, and bring the keys 🔑 and 2 umbrellas ☂️☂️! 👍🏽 ',
  300,
);

/** 300 bytes each. */
const TEXTS: Readonly<Record<Load, readonly string[]>> = {
  real: [FRENCH, CHINESE],
  ascii: [BODY],
  chinese: [CHINESE],
  emoji: [EMOJI],
};

/** A text as the bytes that it is in a stream, a character each: the peer does not decode what it compares. */
const bytesOf = (text: string) => Buffer.from(text).toString('latin1');

export const BYTES: Readonly<Record<Load, readonly string[]>> = {
  real: TEXTS.real.map(bytesOf),
  ascii: TEXTS.ascii.map(bytesOf),
  chinese: TEXTS.chinese.map(bytesOf),
  emoji: TEXTS.emoji.map(bytesOf),
};

const REQUEST = "<request xmlns='urn:xmpp:receipts'/>";
const CLIENT_BEFORE = "<active xmlns='http://jabber.org/protocol/chatstates'/><origin-id xmlns='urn:xmpp:sid:0' id='";
const CLIENT_AFTER = `'/><markable xmlns='urn:xmpp:chat-markers:0'/>${REQUEST}`;

/** What follows a message's id in its start tag, to its end. */
export function messageRest(load: Load, ids: string, number: number): string {
  const texts = BYTES[load];
  const body = `'><body>${texts[number % texts.length]}</body>`;
  if (load !== 'real') return `${body}${REQUEST}</message>`;
  return `${body}${CLIENT_BEFORE}${ids}${number}${CLIENT_AFTER}</message>`;
}
