import { readFileSync } from 'node:fs';
import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import type { Caps } from '../../src/xmpp/stanza/entity-capabilities.ts';
import { capsKey, presenceStanza, readPresence, readPresenceHead } from '../../src/xmpp/stanza/presence.ts';
import {
  isSentByContact,
  isSubscriptionType,
  type SubscriptionState,
  type SubscriptionType,
  transitionOf,
} from '../../src/xmpp/stanza/subscription.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const RICH =
  '<show>away</show><status xml:lang="en">Gone &amp; back</status><priority>-3</priority>' +
  '<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="http://gajim.org" ver="abc="/>' +
  '<x xmlns="vcard-temp:x:update"><photo>0123</photo></x><idle xmlns="urn:xmpp:idle:1" since="2026-01-01T00:00:00Z"/>';

const addresses = new SubdomainPolicy({ componentDomain: 'receipts.example.org', servedDomain: 'example.org' });
const BETWEEN = {
  from: addresses.parse('alice@example.org/phone'),
  to: addresses.parse('bob@receipts.example.org'),
};
const read = (attributes: string, inner = '') =>
  readPresence(parseStanza(`<presence ${attributes}>${inner}</presence>`), BETWEEN);

describe('reading', () => {
  test('an address of the two inside it is mapped', () => {
    const { inner } = read('', '<delay xmlns="urn:xmpp:delay" from="alice@example.org/phone" stamp="x"/>');
    expect(inner).toBe('<delay xmlns="urn:xmpp:delay" from="alice@receipts.example.org/phone" stamp="x"/>');
  });

  test('all that a client says of itself is kept, and what matters is read', () => {
    const presence = read('from="a@b/c" to="d@e" id="p-1" xml:lang="de"', RICH);
    expect(presence).toEqual({
      type: 'available',
      id: 'p-1',
      caps: { node: 'http://gajim.org', ver: 'abc=', hash: 'sha-1' },
      show: 'away',
      priority: -3,
      inner: RICH,
      otherAttributes: ' xml:lang="de"',
    });
    expect(presenceStanza({ ...presence, from: 'x@y', to: 'z@y' })).toBe(
      `<presence from="x@y" to="z@y" id="p-1" xml:lang="de">${RICH}</presence>`,
    );
  });

  test.each(['unavailable', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error'])(
    'the type %s is there and back',
    (type) => {
      const presence = read(`type="${type}"`);
      expect(presence.type).toBe(type);
      expect(presenceStanza({ ...presence, from: 'x@y', to: 'z@y' })).toBe(
        `<presence from="x@y" to="z@y" type="${type}"/>`,
      );
    },
  );

  test('what no client should say does no harm', () => {
    expect(read('type="invisible"').type).toBe('unknown');
    expect(read('type=""').type).toBe('available');
    expect(read('', '<show>busy</show>').show).toBe('');
    for (const priority of ['200', '-129', 'high', '1.5', '']) {
      expect(read('', `<priority>${priority}</priority>`).priority).toBe(0);
    }
    expect(read('', '<c xmlns="http://jabber.org/protocol/caps"/>').caps).toBeUndefined();
    expect(readPresenceHead(parseStanza(`<presence type="unavailable" a="b">${RICH}</presence>`))).toMatchObject({
      type: 'unavailable',
      inner: '',
      otherAttributes: '',
    });
  });

  test.each<[Caps | undefined, string]>([
    [undefined, ''],
    [{ node: 'n', ver: 'v', hash: 'sha-1' }, 'sha-1:v'],
    [{ node: 'n', ver: '1.0', hash: undefined }, ':n#1.0'],
    [{ node: 'n', ver: 'v'.repeat(500), hash: 'h' }, `h:${'v'.repeat(198)}`],
  ])('capabilities %j are told apart by %s', (caps, key) => {
    expect(capsKey(caps)).toBe(key);
  });
});

describe('a subscription from between the two servers (RFC 6121 section 3)', () => {
  const STANDINGS: SubscriptionState[] = ['none', 'probed', 'asked', 'askedLongAgo', 'subscribed'];
  // What is done, and the standing after it, at each standing before it.
  const TABLE: Record<SubscriptionType, string[]> = {
    subscribe: ['relay, asked', 'relay, asked', 'ignore', 'relay, asked', 'answer'],
    subscribed: ['relay, subscribed', 'relay, subscribed', 'relay, subscribed', 'relay, subscribed', 'relay'],
    unsubscribe: ['ignore', 'ignore', 'relay, none', 'relay, none', 'relay, none'],
    unsubscribed: ['ignore', 'relay, none', 'relay, none', 'relay, none', 'relay, none'],
    probe: ['relay, probed', 'relay, probed', 'relay, probed', 'relay, probed', 'relay'],
  };
  const cells = Object.entries(TABLE).flatMap(([type, row]) =>
    row.map((cell, i) => [type as SubscriptionType, STANDINGS[i] as SubscriptionState, cell] as const),
  );

  test.each(cells)('%s at %s: %s', (type, standing, cell) => {
    const { act, next } = transitionOf(type, standing);
    expect(next === undefined ? act : `${act}, ${next}`).toBe(cell);
  });

  test('docs/presence.md has the same table', () => {
    const text = readFileSync(new URL('../../docs/presence.md', import.meta.url), 'utf8');
    const words = { relay: 'passed on', ignore: 'ignored', answer: 'answered `subscribed`' };
    for (const type of Object.keys(TABLE) as SubscriptionType[]) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`${type}\``));
      expect(row?.split(' | ').slice(1).join(' | ')).toBe(
        `${STANDINGS.map((standing) => words[transitionOf(type, standing).act]).join(' | ')} |`,
      );
    }
  });

  test('nothing is answered that could be answered again', () => {
    // What the proxy says by itself is "subscribed", which neither it nor a server answers.
    for (const standing of STANDINGS) expect(transitionOf('subscribed', standing).act).not.toBe('answer');
  });

  test('who says it', () => {
    const all = Object.keys(TABLE) as SubscriptionType[];
    expect(all.filter(isSentByContact)).toEqual(['subscribed', 'unsubscribed']);
    expect([...all, 'available', 'error', 'toString'].filter(isSubscriptionType)).toEqual(all);
  });
});
