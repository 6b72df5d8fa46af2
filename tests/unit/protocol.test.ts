import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Element } from '@xmpp/xml';
import * as elements from '../../packages/protocol/elements.ts';
import * as namespaces from '../../packages/protocol/namespaces.ts';
import { FakeXmpp } from '../support/client-library/fake-xmpp.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const ELEMENTS = [
  elements.STORED,
  elements.UNCONFIRMED,
  elements.EXPIRED,
  elements.BATCH,
  elements.STATUS,
  elements.STATUS_MESSAGE,
];

describe('with other names in packages/protocol, the component and the client library still understand each other', () => {
  const NOTICE = { from: 'receipts.example.org', to: 'alice@example.org/phone', id: 'n', about: 'm' };
  const BOB = 'bob@receipts.example.org';
  let build: typeof import('../../src/xmpp/stanza/build.ts');
  let server: typeof import('../../src/xmpp/stanza/message.ts');
  let client: typeof import('../../packages/client/src/index.ts');
  let read: typeof import('../../packages/client/src/read.ts');
  let discovery: typeof import('../../packages/client/src/discovery.ts');

  beforeAll(async () => {
    const renamed = (names: object) =>
      Object.fromEntries(
        Object.entries(names).map(([key, name]) => [key, typeof name === 'string' ? `${name}-renamed` : name]),
      );
    // In @types/jest it is missing.
    const jest = import.meta.jest as unknown as { unstable_mockModule(file: string, make: () => object): void };
    jest.unstable_mockModule('../../packages/protocol/elements.ts', () => renamed(elements));
    jest.unstable_mockModule('../../packages/protocol/namespaces.ts', () => renamed(namespaces));
    build = await import('../../src/xmpp/stanza/build.ts');
    server = await import('../../src/xmpp/stanza/message.ts');
    client = await import('../../packages/client/src/index.ts');
    read = await import('../../packages/client/src/read.ts');
    discovery = await import('../../packages/client/src/discovery.ts');
  });

  const told = (xml: string) => read.readMessage(parseStanza(xml), 'receipts.example.org').updates;

  test('the names are other ones', () => {
    expect(build.acknowledgement(NOTICE, BOB, 'stored', 'disk')).toContain(
      `<stored-renamed xmlns="urn:openfire-receipts:0-renamed" id="m" to="${BOB}" durability-renamed="disk"/>`,
    );
  });

  test('the component tells a client that a message is stored', () => {
    const stored = [{ id: 'm', to: BOB, state: 'pending', durability: 'replicas:2' }];
    expect(told(build.acknowledgement(NOTICE, BOB, 'stored', 'replicas:2'))).toEqual(stored);
    expect(told(build.acknowledgement(NOTICE, BOB, 'receipt', 'replicas:2'))).toEqual(stored);
  });

  test('the component tells a client that it is delivered, unconfirmed or expired', () => {
    expect(told(build.deliveryReceipt({ ...NOTICE, from: BOB }))).toEqual([{ id: 'm', to: BOB, state: 'delivered' }]);
    expect(told(build.unconfirmedNotice(NOTICE, BOB))).toEqual([{ id: 'm', to: BOB, state: 'unconfirmed' }]);
    const condition = 'recipient-unavailable';
    const error = build.errorStanza('message', NOTICE.to, BOB, 'm', { condition, extra: build.EXPIRED_CONDITION });
    expect(read.readFailure(parseStanza(error), true)).toEqual({ reason: 'expired', condition });
  });

  test('the component tells a client of many at once', async () => {
    const batch = [
      { id: 'm', to: BOB, state: 'pending' },
      { id: 'n', to: BOB, state: 'delivered' },
    ] as const;
    const status = parseStanza(build.statusElement(batch));
    expect(discovery.readStatus(status.getChildren('message-renamed'))).toEqual(batch);
    const xmpp = new FakeXmpp('alice@example.org');
    const receipts = client.receiptsClient(xmpp, { component: NOTICE.from, store: client.memoryStore() });
    const request = `<iq type="set" id="b" from="${NOTICE.from}" to="${NOTICE.to}">${build.statusElement(batch)}</iq>`;
    expect(await xmpp.takes(parseStanza(request))).toBe(true);
    await receipts.close();
  });

  test('a client tells the component that it takes batches', async () => {
    const written = new Promise<Element>((resolve) => {
      const xmpp = new FakeXmpp('alice@example.org', { take: resolve, answer: () => new Error('unanswered') });
      const receipts = client.receiptsClient(xmpp, {
        component: 'receipts.example.org',
        store: client.memoryStore(),
      });
      void receipts.send({ to: BOB, body: 'hello' });
      xmpp.online();
      void receipts.ready.then(() => written).then(() => receipts.close());
    });
    expect(server.readMessage(await written)).toMatchObject({ acceptsBatches: true, asksReceipt: true, tracked: true });
  });

  test('a client asks the component what became of messages', async () => {
    const asked: Element[] = [];
    const xmpp = new FakeXmpp('alice@example.org', {
      take: () => {},
      answer: (request) => {
        asked.push(request);
        return parseStanza(
          build.iqResult('a', 'b', 'q', build.statusElement([{ id: 'm', to: BOB, state: 'rejected' }])),
        );
      },
    });
    xmpp.online();
    const message = { id: 'm', to: BOB };
    expect(await discovery.askStatus(xmpp, 'receipts.example.org', [message])).toEqual([
      { ...message, state: 'rejected' },
    ]);
    const [question] = asked[0]?.getChildElements() ?? [];
    expect(question?.toString()).toBe(
      `<status-renamed xmlns="urn:openfire-receipts:0-renamed"><message-renamed id="m" to="${BOB}"/></status-renamed>`,
    );
  });
});

describe('no name of the protocol is written outside packages/protocol', () => {
  const files = ['src', 'packages/client/src'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.join(folder, name)),
  );
  const text = files.map((file) => [file, withoutComments(readFileSync(path.join(ROOT, file), 'utf8'))] as const);
  const naming = (pattern: RegExp) => text.filter(([, code]) => pattern.test(code)).map(([file]) => file);

  test('there is something to look through', () => {
    expect(files.length).toBeGreaterThan(100);
  });

  test.each(Object.values(namespaces))('the namespace %s', (namespace) => {
    expect(naming(new RegExp(`['"\`]${namespace}['"\`]`))).toEqual([]);
  });

  // As a tag in XML; as a name beside our namespace, in either order; as what is looked for.
  test.each(ELEMENTS.filter((name) => name !== 'message'))('the element %s', (name) => {
    expect(naming(new RegExp(`<${name}[ />]`))).toEqual([]);
    expect(naming(new RegExp(`['"]${name}['"],? ?(\\{ xmlns: )?NS\\.own`))).toEqual([]);
    expect(naming(new RegExp(`(getChild|getChildren|is)\\('${name}'|getName\\(\\) [!=]== '${name}'`))).toEqual([]);
  });
});

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}
