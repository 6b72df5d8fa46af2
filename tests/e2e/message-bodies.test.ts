// A body is whole, however its sender's client, or a server, writes it. Openfire passes CDATA on as it came.
import { randomUUID } from 'node:crypto';
import { NO_COPIES, World } from '../support/stages/world.ts';

let world: World;

beforeAll(async () => {
  world = await World.open();
  await world.startProxy(NO_COPIES);
});
afterAll(() => world.close());
afterEach(() => world.empty());

test.each([
  ['text around a CDATA section', 'a<![CDATA[b]]>c', 'abc'],
  ['a CDATA section alone', '<![CDATA[1 < 2 && 3 > 2]]>', '1 < 2 && 3 > 2'],
  ['several', 'x<![CDATA[<b>]]>y<![CDATA[]]]]><![CDATA[>]]>z', 'x<b>y]]>z'],
  ['references', '&lt;&#x263A;&#38;amp;&quot;😀', '<☺&amp;"😀'],
  ['one that is longer than a chunk', `${'a'.repeat(30_000)}<![CDATA[${'>&<'.repeat(10_000)}]]>end`, undefined],
])('%s', async (_, inside, text = `${'a'.repeat(30_000)}${'>&<'.repeat(10_000)}end`) => {
  const alice = await world.user('alice');
  const bob = await world.user('bob');
  const id = randomUUID();
  const request = '<request xmlns="urn:xmpp:receipts"/>';
  await alice.send(
    `<message to="${world.proxied('bob')}" type="chat" id="${id}"><body>${inside}</body>${request}</message>`,
  );
  expect((await bob.hears((el) => el.attrs.id === id)).getChildText('body')).toBe(text);
  await alice.delivered(id);
});
