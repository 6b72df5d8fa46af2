import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Element } from '@xmpp/xml';
import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { GateSessions } from '../../src/gate/sessions.ts';
import { GuardedParser } from '../../src/xmpp/connection/guarded-parser.ts';

const MEGABYTE = 1_000_000;
const CHUNKS = 60;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are kept of `CHUNKS` megabytes of stream, each with one stanza in it, of another user. */
function kept(take: (stanza: Element) => void): number {
  const parser = new GuardedParser({ maxBytes: 2 * MEGABYTE, maxDepth: 10 }, () => {});
  parser.on('element', take);
  parser.write('<stream:stream xmlns="jabber:component:accept">');
  collect();
  const before = getHeapStatistics().used_heap_size;
  for (let number = 0; number < CHUNKS; number += 1) {
    const jid = `alice-${number}@example.org/of-some-length`;
    parser.write(`<message from="${jid}" id="session-of-${jid}"><body>${'x'.repeat(MEGABYTE)}</body></message>`);
  }
  collect();
  return getHeapStatistics().used_heap_size - before;
}

test('an address that is remembered does not keep the chunk of the stream that it stood in', () => {
  const policy = new SubdomainPolicy({ componentDomain: 'receipts.example.org', servedDomain: 'example.org' });
  expect(kept(({ attrs: { from = '' } }) => void policy.parse(from))).toBeLessThan((CHUNKS / 2) * MEGABYTE);
  expect(policy.parse('alice-1@example.org/of-some-length').inner).toBe('alice-1@example.org');
});

test('nor does a session that the gate has told of', () => {
  const sessions = new GateSessions();
  const taken = kept(({ attrs: { from = '', id = '' } }) => {
    sessions.seen({ jid: from, id, state: 'available', priority: 0 }, 0, 0);
  });
  expect(taken).toBeLessThan((CHUNKS / 2) * MEGABYTE);
  expect(sessions.at('alice-1@example.org', 'of-some-length')?.id).toBe(
    'session-of-alice-1@example.org/of-some-length',
  );
});
