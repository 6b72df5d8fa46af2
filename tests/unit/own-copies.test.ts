import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Element } from '@xmpp/xml';
import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { type GateEvent, gateIn, readEvents } from '../../src/gate/events.ts';
import { GuardedParser } from '../../src/xmpp/connection/guarded-parser.ts';

const MEGABYTE = 1_000_000;
const CHUNKS = 60;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are kept of `CHUNKS` megabytes of stream, each with one stanza in it, of another user. */
function kept(take: (stanza: Element) => void, inside = (_jid: string) => ''): number {
  const parser = new GuardedParser({ maxBytes: 2 * MEGABYTE, maxDepth: 10 }, () => {});
  parser.on('element', take);
  parser.write('<stream:stream xmlns="jabber:component:accept">');
  collect();
  const before = getHeapStatistics().used_heap_size;
  for (let number = 0; number < CHUNKS; number += 1) {
    const jid = `alice-${number}@example.org/of-some-length`;
    parser.write(
      `<message from="${jid}" id="session-of-${jid}">${inside(jid)}<body>${'x'.repeat(MEGABYTE)}</body></message>`,
    );
  }
  collect();
  return getHeapStatistics().used_heap_size - before;
}

test('an address that is remembered does not keep the chunk of the stream that it stood in', () => {
  const policy = new SubdomainPolicy({ componentDomain: 'receipts.example.org', servedDomain: 'example.org' });
  expect(kept(({ attrs: { from = '' } }) => void policy.parse(from))).toBeLessThan((CHUNKS / 2) * MEGABYTE);
  expect(policy.parse('alice-1@example.org/of-some-length').inner).toBe('alice-1@example.org');
});

test.each([
  ['a session', (jid: string) => `<session jid="${jid}" id="S-${jid}" state="available"/>`],
  [
    'an outcome',
    (jid: string) => `<outcome n="abcdefghijklmnop-1" state="sent"><session jid="${jid}" id="S-${jid}"/></outcome>`,
  ],
  ['a proof', (jid: string) => `<has n="abcdefghijklmnop-1" jid="${jid}" session="S-${jid}" by="sm"/>`],
  [
    'what passed unheld',
    (jid: string) => `<unheld from="${jid}" to="b@s" confirmed="${jid}"><session id="S-${jid}"/></unheld>`,
  ],
])('nor does %s that a gate has told', (_what, event) => {
  const all: GateEvent[] = [];
  const take = (stanza: Element) => {
    const gate = gateIn(stanza);
    if (gate !== undefined) all.push(...readEvents(gate));
  };
  const inside = (jid: string) => `<gate xmlns="urn:openfire-receipts:gate:1">${event(jid)}</gate>`;
  expect(kept(take, inside)).toBeLessThan((CHUNKS / 2) * MEGABYTE);
  expect(all).toHaveLength(CHUNKS);
});
