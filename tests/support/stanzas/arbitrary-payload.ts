import xml, { type Element } from '@xmpp/xml';
import fc from 'fast-check';
import { jid, text, token } from './arbitrary-jid.ts';

/** Arbitrary payloads in the shapes that the specifications give them, with addresses where those have some. */

/** RFC 5122. */
const uri = fc
  .tuple(jid, fc.constantFrom('', '?message', '?;node=x', '#here'))
  .map(([address, query]) => `xmpp:${encodeURI(address)}${query}`);
const stamp = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());

type Shape = Readonly<Record<string, fc.Arbitrary<string | undefined>>>;
type Kids = readonly fc.Arbitrary<Element | string | undefined>[];

/** An element; of its children those that are undefined are left out. */
export function el(name: string, xmlns?: string, attrs: Shape = {}, ...kids: Kids): fc.Arbitrary<Element> {
  return fc.tuple(fc.record(attrs), fc.tuple(...kids)).map(([values, children]) => {
    const given = (Array.isArray(children) ? children : []) as readonly (Element | string | undefined)[];
    return xml(
      name,
      { ...(xmlns === undefined ? {} : { xmlns }), ...values },
      ...given.filter((child) => child !== undefined),
    );
  });
}

/** There or not. */
export function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

const delay = el('delay', 'urn:xmpp:delay', { from: maybe(jid), stamp }, text);
const item = (...kids: Kids) => el('item', undefined, { id: token, publisher: maybe(jid) }, ...kids);
const nick = el('nick', 'http://jabber.org/protocol/nick', {}, text);
const form = el(
  'x',
  'jabber:x:data',
  { type: fc.constantFrom('form', 'submit', 'result') },
  el(
    'field',
    undefined,
    { var: token, type: maybe(fc.constant('jid-single')) },
    el('value', undefined, {}, fc.oneof(text, jid)),
  ),
);
const unknown = el(
  'p:thing',
  undefined,
  { 'xmlns:p': fc.constant('urn:example'), 'p:at': text, from: jid },
  text,
  el('p:part'),
);
const quoted = el(
  'forwarded',
  'urn:xmpp:forward:0',
  {},
  maybe(delay),
  el(
    'message',
    'jabber:client',
    { from: jid, to: jid, id: token, type: fc.constant('chat') },
    el('body', undefined, {}, text),
  ),
);

/** What a message may bear. */
export const messagePayload: fc.Arbitrary<Element> = fc.oneof(
  el('body', undefined, { 'xml:lang': maybe(fc.constantFrom('de', 'en')) }, text),
  el('subject', undefined, {}, text),
  el('thread', undefined, { parent: maybe(token) }, token),
  el('request', 'urn:xmpp:receipts'),
  el('received', 'urn:xmpp:receipts', { id: token }),
  fc
    .constantFrom('active', 'composing', 'paused', 'inactive', 'gone')
    .chain((state) => el(state, 'http://jabber.org/protocol/chatstates')),
  fc
    .constantFrom('markable', 'received', 'displayed')
    .chain((name) => el(name, 'urn:xmpp:chat-markers:0', { id: token })),
  el('replace', 'urn:xmpp:message-correct:0', { id: token }),
  el('reply', 'urn:xmpp:reply:0', { to: jid, id: token }),
  el(
    'fallback',
    'urn:xmpp:fallback:0',
    { for: fc.constant('urn:xmpp:reply:0') },
    el('body', undefined, { start: fc.constant('0'), end: fc.constant('9') }),
  ),
  el('reactions', 'urn:xmpp:reactions:0', { id: token }, el('reaction', undefined, {}, text)),
  el('retract', 'urn:xmpp:message-retract:1', { id: token }),
  el('attention', 'urn:xmpp:attention:0'),
  el(
    'encrypted',
    'eu.siacs.conversations.axolotl',
    {},
    el('header', undefined, { sid: fc.constant('1') }),
    el('payload', undefined, {}, text),
  ),
  el(
    'encrypted',
    'urn:xmpp:omemo:2',
    {},
    el('header', undefined, {}, el('keys', undefined, { jid }, el('key', undefined, { rid: fc.constant('2') }, text))),
  ),
  el('encryption', 'urn:xmpp:eme:0', { namespace: fc.constant('urn:xmpp:omemo:2'), name: text }),
  el('openpgp', 'urn:xmpp:openpgp:0', {}, text),
  el('x', 'jabber:x:oob', {}, el('url', undefined, {}, text), maybe(el('desc', undefined, {}, text))),
  el('x', 'jabber:x:conference', { jid, reason: maybe(text) }),
  el('x', 'jabber:x:delay', { from: maybe(jid), stamp: fc.constant('20200101T00:00:00') }, text),
  el(
    'x',
    'http://jabber.org/protocol/rosterx',
    {},
    el('item', undefined, { action: fc.constant('add'), jid, name: text }),
  ),
  el(
    'addresses',
    'http://jabber.org/protocol/address',
    {},
    el('address', undefined, { type: fc.constantFrom('to', 'replyto'), jid: maybe(jid), uri: maybe(uri) }),
  ),
  el('reference', 'urn:xmpp:reference:0', { type: fc.constant('mention'), uri, anchor: maybe(uri) }),
  el('propose', 'urn:xmpp:jingle-message:0', { id: token }, el('description', 'urn:xmpp:jingle:apps:rtp:1')),
  el('event', 'http://jabber.org/protocol/pubsub#event', {}, el('items', undefined, { node: token }, item(nick))),
  el('origin-id', 'urn:xmpp:sid:0', { id: token }),
  el('stanza-id', 'urn:xmpp:sid:0', { id: token, by: jid }),
  fc.constantFrom('no-store', 'store', 'no-copy').chain((hint) => el(hint, 'urn:xmpp:hints')),
  el('private', 'urn:xmpp:carbons:2'),
  quoted,
  delay,
  nick,
  form,
  unknown,
);

const content = el(
  'content',
  undefined,
  { creator: fc.constant('initiator'), name: token },
  el(
    'description',
    'urn:xmpp:jingle:apps:file-transfer:5',
    {},
    el('file', undefined, {}, el('name', undefined, {}, text)),
  ),
  el(
    'transport',
    'urn:xmpp:jingle:transports:s5b:1',
    { sid: token },
    el('candidate', undefined, { cid: token, jid, host: fc.constant('192.0.2.1'), port: fc.constant('7625') }),
  ),
);

/** What a request or its result may bear: one element. */
export const iqPayload: fc.Arbitrary<Element> = fc.oneof(
  el(
    'query',
    'http://jabber.org/protocol/disco#info',
    { node: maybe(token) },
    maybe(el('feature', undefined, { var: token })),
    maybe(form),
  ),
  el(
    'query',
    'http://jabber.org/protocol/disco#items',
    { node: maybe(token) },
    maybe(el('item', undefined, { jid, node: maybe(token), name: text })),
  ),
  el('query', 'jabber:iq:version', {}, maybe(el('name', undefined, {}, text))),
  el('query', 'jabber:iq:last', { seconds: maybe(fc.constant('9')) }),
  el('query', 'jabber:iq:roster', {}, el('item', undefined, { jid, subscription: fc.constantFrom('both', 'remove') })),
  el('ping', 'urn:xmpp:ping'),
  el('time', 'urn:xmpp:time'),
  el('vCard', 'vcard-temp', {}, maybe(el('FN', undefined, {}, text)), maybe(el('JABBERID', undefined, {}, jid))),
  el('vcard', 'urn:ietf:params:xml:ns:vcard-4.0', {}, el('fn', undefined, {}, el('text', undefined, {}, text))),
  el('pubsub', 'http://jabber.org/protocol/pubsub', {}, el('items', undefined, { node: token }, maybe(item(nick)))),
  el('pubsub', 'http://jabber.org/protocol/pubsub', {}, el('publish', undefined, { node: token }, item(unknown))),
  el('pubsub', 'http://jabber.org/protocol/pubsub', {}, el('subscribe', undefined, { node: token, jid })),
  el(
    'jingle',
    'urn:xmpp:jingle:1',
    {
      action: fc.constantFrom('session-initiate', 'session-accept'),
      sid: token,
      initiator: maybe(jid),
      responder: maybe(jid),
    },
    content,
  ),
  el(
    'query',
    'http://jabber.org/protocol/bytestreams',
    { sid: token },
    el('streamhost', undefined, { jid, host: fc.constant('192.0.2.1'), port: fc.constant('1') }),
  ),
  el(
    'si',
    'http://jabber.org/protocol/si',
    { id: token, profile: fc.constant('http://jabber.org/protocol/si/profile/file-transfer') },
    form,
  ),
  el('open', 'http://jabber.org/protocol/ibb', { sid: token, 'block-size': fc.constant('4096') }),
  el('command', 'http://jabber.org/protocol/commands', { node: token, action: fc.constant('execute') }, maybe(form)),
  unknown,
);

/** What a presence may bear beside show, status and priority. */
export const presencePayload: fc.Arbitrary<Element> = fc.oneof(
  el('c', 'http://jabber.org/protocol/caps', { hash: fc.constant('sha-1'), node: token, ver: text }),
  el('x', 'vcard-temp:x:update', {}, maybe(el('photo', undefined, {}, text))),
  el('idle', 'urn:xmpp:idle:1', { since: stamp }),
  el('query', 'jabber:iq:last', { seconds: fc.constant('9') }),
  el('x', 'jabber:x:signed', {}, text),
  nick,
  delay,
  unknown,
);
