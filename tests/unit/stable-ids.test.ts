import { randomBytes, randomUUID } from 'node:crypto';
import { IdSource, isUniqueId } from '../../src/xmpp/stanza/ids.ts';
import { keyOfWireId, recordKey, senderIdOf, wireIdOf, wireInner } from '../../src/xmpp/stanza/message-key.ts';
import { isSingleElement } from '../../src/xmpp/stanza/xml.ts';

describe('an id that no client makes twice', () => {
  test.each([
    ['a UUID (Converse, Gajim, Dino, poezio)', '0f7d2a1e-9c3b-4c1d-8e2f-5a6b7c8d9e0f'],
    ['a UUID in capitals, without hyphens', '0F7D2A1E9C3B4C1D8E2F5A6B7C8D9E0F'],
    ['a UUID with something before it', 'msg-0f7d2a1e-9c3b-4c1d-8e2f-5a6b7c8d9e0f'],
    ['slixmpp: a UUID and a counter', '0f7d2a1e9c3b4c1d8e2f5a6b7c8d9e0f-1C'],
    ['Conversations: 144 random bits in base64', 'h5Rk2mQ9xTzYb3WcV8nLpA7s'],
    ['64 random bits in hexadecimal', '9f3a07c2d5b8e146'],
    ['64 random bits in base 36', 'k3j9x0q7m2zr8'],
    ['64 random bits in base 62', 'aZ3kQ9xT2mB'],
    ['Pidgin: a counter that starts at 32 random bits', 'purple1a2b3c4d'],
    ['the same below 2^28, written without a zero in front', 'purple92c0f51'],
    ['with separators around it', 'prof_9f3a07c2d5b8e146_7'],
  ])('%s: %s', (_, id) => expect(isUniqueId(id)).toBe(true));

  test.each([
    ['nothing', ''],
    ['a counter', '2'],
    ['Psi, ChatSecure', 'aab5a'],
    ['not long enough for libpurple’s random start', 'purple1a2b3c'],
    ['more than libpurple’s 32 bits', 'purple1a2b3c4d5'],
    ['something before what looks like libpurple’s', 'my-purple1a2b3c4d'],
    ['Smack: five random characters and a counter', 'aB3xY-12345678'],
    ['a padded counter', 'message-0000000000000000001'],
    ['a padded counter in hexadecimal', '000000000000001a'],
    ['a time', '1764000000000'],
    ['a time with words', 'chrome-1764000000000-msg'],
    ['digits, however many', '12345678901234567890123456789012345'],
    ['a counter in the form of a UUID', '00000000-0000-4000-8000-000000000002'],
    ['words', 'the-second-message-of-this-conversation'],
    ['a long word', 'internationalizationsmessage'],
    ['a word and a long number', 'message00000000000000000042'],
    ['many short parts', 'a1-b2-c3-d4-e5-f6-g7-h8-i9'],
    ['15 hexadecimal digits: 60 bits', '9f3a07c2d5b8e14'],
    ['12 characters of base 36: 60 bits', 'k3j9x0q7m2zr'],
    ['letters that are not ASCII', 'äöü123äöü456äöü789'],
  ])('but not %s: %s', (_, id) => expect(isUniqueId(id)).toBe(false));

  test('what random generators make is taken for one, nearly always', () => {
    const kinds = [
      () => randomUUID(),
      () => randomBytes(8).toString('hex'),
      () => randomBytes(16).toString('base64url'),
      () => `prof_${randomBytes(16).toString('hex')}`,
    ];
    for (const make of kinds) {
      const taken = Array.from({ length: 1000 }, make).filter(isUniqueId);
      // By chance one may look like a word and a number; then it counts for a few minutes only.
      expect(taken.length).toBeGreaterThan(700);
    }
  });

  test('what somebody counts is never taken for one', () => {
    const ids = new IdSource();
    expect(isUniqueId(ids.next())).toBe(false);
    const counted: string[] = [];
    for (const stem of ['', 'm', 'msg-', 'purple', 'jcl-', 'ab', 'sess1-tab2-', '2026-11-26T03:00:00Z/']) {
      for (const radix of [10, 16, 36]) {
        for (let n = 0; n < 5000; n += 7) counted.push(stem + n.toString(radix));
      }
    }
    expect(counted.filter(isUniqueId)).toEqual([]);
  });
});

describe('a message that is told apart', () => {
  const KEY = recordKey('alice@example.org', 'bob@example.org', '2');
  const MARK = '~0123456789abcdef';

  test('goes out under an id of its own, from which its key and its sender’s id are known', () => {
    const id = wireIdOf(KEY + MARK, '2', undefined);
    expect(id).toBe(`2${MARK}`);
    expect(keyOfWireId('alice@example.org', 'bob@example.org', id)).toBe(KEY + MARK);
    expect(senderIdOf(id)).toBe('2');
    expect(wireIdOf(KEY + MARK, '2', 'origin')).toBe(`origin${MARK}`);
  });

  test.each(['2', '', '~', '2~0123456789abcde', '2~0123456789abcdeg', '2~0123456789ABCDEF', `${MARK}x`])(
    'an id without a mark stays what it is: %s',
    (id) => {
      expect(senderIdOf(id)).toBe(id);
      expect(keyOfWireId('a', 'b', id)).toBe(recordKey('a', 'b', id));
      expect(wireIdOf(KEY, id, 'origin')).toBe(id);
    },
  );

  test('leaves its origin-id behind, and another’s stays', () => {
    const origin = '<origin-id xmlns="urn:xmpp:sid:0" id="a&gt;b"/>';
    const inner = `<body>&lt;origin-id xmlns="urn:xmpp:sid:0"/></body>${origin}<origin-id xmlns="urn:x"/>`;
    expect(wireInner(inner, KEY + MARK, undefined)).toBe(inner.replace(origin, ''));
    expect(wireInner(inner, KEY, undefined)).toBe(inner);
  });

  test('a correction of it names it as its recipient knows it', () => {
    const replace = (id: string) => `<body>x</body><replace id="${id}" xmlns="urn:xmpp:message-correct:0"/>`;
    expect(wireInner(replace('2'), KEY, KEY + MARK)).toBe(replace(`2${MARK}`));
    expect(wireInner(replace('2'), KEY, KEY)).toBe(replace('2'));
    const retract = '<retract xmlns="urn:xmpp:message-retract:1" id="2"/>';
    expect(wireInner(retract, KEY, KEY + MARK)).toBe(retract.replace('"2"', `"2${MARK}"`));
  });

  test.each([
    ['text', 'text'],
    ['an element', '<p:x/>'],
    ['another one', '<origin-id xmlns="urn:xmpp:sid:0" id="3">text</origin-id>'],
    ['one that has no content', '<origin-id xmlns="urn:xmpp:sid:0" id="3"/>'],
  ])('an origin-id with %s in it is none any more, and still an element', (_, content) => {
    const origin = `<origin-id xmlns="urn:xmpp:sid:0" id="2" xmlns:p="urn:p">${content}</origin-id><body>x</body>`;
    const out = wireInner(origin, KEY + MARK, undefined);
    expect(out).not.toContain('urn:xmpp:sid:0');
    expect(isSingleElement(`<x>${out}</x>`)).toBe(true);
  });

  test.each(['a=" id=" ', 'a="\xc3\xa0id=" ', 'a=" id=" b="id=" ', 'xid="1" x:id="2" ', ''])(
    'a correction with the attributes %j names it all the same, and is still an element',
    (attributes) => {
      const replace = (id: string) => `<replace ${attributes}id="${id}" xmlns="urn:xmpp:message-correct:0"/>`;
      expect(wireInner(replace('2'), KEY, KEY + MARK)).toBe(replace(`2${MARK}`));
    },
  );
});
