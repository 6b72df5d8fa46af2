import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import type { Sent } from '../../src/delivery/ports.ts';
import { Requester } from '../../src/iq/requester.ts';
import type { OutgoingStanza } from '../../src/xmpp/connection/outgoing-stanza.ts';
import { IdSource } from '../../src/xmpp/stanza/ids.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const ALICE = 'alice@example.org/desk';

function setUp(timeLimit: number, drops = false) {
  const written: OutgoingStanza<Sent>[] = [];
  const requester = new Requester({
    link: {
      send: (xml, tag, priority = 'normal', key = undefined) => {
        const held: OutgoingStanza<Sent> = { xml, tag, priority, key, done: drops };
        written.push(held);
        return held;
      },
    },
    addresses: new SubdomainPolicy({ componentDomain: 'receipts.example.org', servedDomain: 'example.org' }),
    ids: new IdSource(),
    timeLimit,
  });
  return { requester, written };
}

test('what a client is told of its messages goes before what others write, a question of ours does not', () => {
  const { requester, written } = setUp(60_000);
  void requester.notify(ALICE, '<status xmlns="urn:openfire-receipts:0"/>');
  requester.request(ALICE, '<query xmlns="http://jabber.org/protocol/disco#info"/>').catch(() => {});
  expect(written.map(({ priority }) => priority)).toEqual(['high', 'normal']);
  requester.stop();
});

test('a request that is over while it waits in the link is not written any more', async () => {
  const { requester, written } = setUp(1);
  expect(await requester.notify(ALICE, '<status xmlns="urn:openfire-receipts:0"/>')).toBe('silent');
  expect(written.map(({ done }) => done)).toEqual([true]);
});

describe('whether a session is there', () => {
  const answerOf = (inner: string, type = 'error') => {
    const { requester, written } = setUp(60_000);
    const outcome = requester.ping(ALICE);
    const id = / id="([^"]+)"/.exec(written[0]?.xml ?? '')?.[1];
    requester.reply(
      parseStanza(`<iq type="${type}" id="${id}" from="${ALICE}" to="receipts.example.org">${inner}</iq>`),
    );
    return outcome;
  };
  const error = (condition: string) =>
    answerOf(`<error type="cancel"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`);

  test.each([
    ['feature-not-implemented', 'answered'],
    ['not-allowed', 'answered'],
    // Of a client that knows no pings, or of a server in a gone one's stead.
    ['service-unavailable', 'refused'],
    ['recipient-unavailable', 'gone'],
    ['item-not-found', 'gone'],
  ])('%s: %s', async (condition, outcome) => {
    expect(await error(condition)).toBe(outcome);
  });

  test('a result shows it, silence the contrary; one that was not asked shows nothing', async () => {
    expect(await answerOf('', 'result')).toBe('answered');
    const silent = setUp(1);
    const said = silent.requester.ping(ALICE);
    for (const held of silent.written) held.done = true;
    expect(await said).toBe('silent');
    const { requester } = setUp(60_000);
    const outcome = requester.ping(ALICE);
    requester.stop();
    expect(await outcome).toBe('unknown');
  });

  test('nor does one that the server has not handled in that time, or the link has dropped', async () => {
    expect(await setUp(1).requester.ping(ALICE)).toBe('unknown');
    expect(await setUp(60_000, true).requester.ping(ALICE)).toBe('unknown');
  });
});
