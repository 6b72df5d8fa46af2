import { memoryStore, type ReceiptsOptions, receiptsClient } from '../../packages/client/src/index.ts';
import { FakeXmpp } from '../support/client-library/fake-xmpp.ts';
import { parseStanza } from '../support/stanzas/xml.ts';
import { until } from '../support/time/until.ts';

const COMPONENT = 'receipts.example.org';
const BOB = `bob@${COMPONENT}`;
const OWN = 'urn:openfire-receipts:0';

const batch = (messages: readonly (readonly [id: string, state: string])[], from = COMPONENT) => {
  const words = messages.map(([id, state]) => `<message id='${id}' to='${BOB}' state='${state}'/>`);
  return parseStanza(
    `<iq type='set' id='q' from='${from}'><status xmlns='${OWN}' durability='disk'>${words.join('')}</status></iq>`,
  );
};

/** A client that has written `m-1` and `m-2` to bob, and `m-3` to somebody who is not behind the proxy. */
async function written(options: ReceiptsOptions = {}) {
  const xmpp = new FakeXmpp('alice@example.org');
  const client = receiptsClient(xmpp, { component: COMPONENT, store: memoryStore(), ...options });
  xmpp.online();
  for (const id of ['m-1', 'm-2']) client.send({ to: BOB, id, body: id });
  client.send({ to: 'carol@example.org', id: 'm-3', body: 'm-3' });
  await until(() => xmpp.written.length === 3, { what: 'all to be written' });
  const states = () => ['m-1', 'm-2', 'm-3'].map((id) => client.get(id)?.state);
  const says = () => xmpp.written.map((stanza) => stanza.getChild('batch', OWN) !== undefined);
  return { xmpp, client, states, says };
}

test('each message to a proxied address says that it takes batches, each copy too, and no other', async () => {
  const { xmpp, client, says } = await written();
  expect(says()).toEqual([true, true, false]);
  xmpp.cut();
  xmpp.written.length = 0;
  xmpp.online();
  await until(() => xmpp.written.length >= 2, { what: 'copies' });
  expect(says().slice(0, 2)).toEqual([true, true]);
  await client.close();
});

test('a batch says of each message what it would say alone', async () => {
  const { xmpp, client, states } = await written();
  expect(
    await xmpp.takes(
      batch([
        ['m-1', 'delivered'],
        ['m-2', 'pending'],
        ['m-9', 'delivered'],
      ]),
    ),
  ).toBe(true);
  expect(states()).toEqual(['delivered', 'stored', 'sent']);
  expect(['m-1', 'm-2'].map((id) => client.get(id)?.durability)).toEqual([undefined, 'disk']);
  await client.close();
});

test('only the proxy is believed, and what nobody listens to is refused', async () => {
  const { xmpp, client, states } = await written();
  const all = [
    ['m-1', 'delivered'],
    ['m-2', 'delivered'],
  ] as const;
  for (const from of ['mallory@example.org/x', BOB, `${COMPONENT}/x`])
    expect(await xmpp.takes(batch(all, from))).toBe(false);
  await client.close();
  expect(await xmpp.takes(batch(all))).toBe(false);
  expect(states()).toEqual(['sent', 'sent', 'sent']);
});

test('with `batch: false` none is asked for, and none taken', async () => {
  const { xmpp, client, says } = await written({ batch: false });
  expect(says()).toEqual([false, false, false]);
  expect(await xmpp.takes(batch([['m-1', 'delivered']]))).toBe(false);
  await client.close();
});
