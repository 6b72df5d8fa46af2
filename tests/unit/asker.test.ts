import type { Held } from '../../src/link/window.ts';
import { Asker } from '../../src/queries/asker.ts';
import type { Sent } from '../../src/receipts/outbox.ts';
import { Addresses } from '../../src/stanza/address.ts';
import { IdSource } from '../../src/stanza/ids.ts';

const ALICE = 'alice@example.org/desk';

function setUp(timeLimit: number) {
  const written: Held<Sent>[] = [];
  const asker = new Asker({
    link: {
      send: (xml, tag, priority = 'normal', key = undefined) => {
        const held: Held<Sent> = { xml, tag, priority, key, done: false };
        written.push(held);
        return held;
      },
    },
    addresses: new Addresses('receipts.example.org', 'example.org'),
    ids: new IdSource(),
    timeLimit,
  });
  return { asker, written };
}

test('what a client is told of its messages goes before what others write, a question of ours does not', () => {
  const { asker, written } = setUp(60_000);
  void asker.tell(ALICE, '<status xmlns="urn:openfire-receipts:0"/>');
  asker.ask(ALICE, '<query xmlns="http://jabber.org/protocol/disco#info"/>').catch(() => {});
  expect(written.map(({ priority }) => priority)).toEqual(['high', 'normal']);
  asker.stop();
});

test('a request that is over while it waits in the link is not written any more', async () => {
  const { asker, written } = setUp(1);
  expect(await asker.tell(ALICE, '<status xmlns="urn:openfire-receipts:0"/>')).toBe('silent');
  expect(written.map(({ done }) => done)).toEqual([true]);
});
