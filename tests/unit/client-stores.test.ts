import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { IDBFactory } from 'fake-indexeddb';
import { fileStore } from '../../packages/client/src/file-store.ts';
import {
  indexedDbStore,
  memoryStore,
  type Problem,
  receiptsClient,
  type Store,
} from '../../packages/client/src/index.ts';
import { FakeXmpp } from '../support/client-library/fake-xmpp.ts';
import { removeFolder, temporaryFolder } from '../support/process/temporary.ts';

let folder: string;
let memory: Store;
const file = () => path.join(folder, 'kept', 'store.jsonl');
beforeEach(async () => {
  folder = await temporaryFolder('store');
  memory = memoryStore();
  Object.assign(globalThis, { indexedDB: new IDBFactory() });
});
afterEach(async () => {
  Reflect.deleteProperty(globalThis, 'indexedDB');
  await removeFolder(folder);
});

/** What a store gives to the next run. */
async function reload(store: Store): Promise<Record<string, unknown>> {
  const entries = Object.fromEntries(await store.load());
  await store.close();
  return entries;
}

const STORES: [string, () => Store][] = [
  ['memory', () => memory],
  ['IndexedDB', () => indexedDbStore('test')],
  ['file', () => fileStore(file())],
];

test.each(STORES)('%s: what was set is there after a reload, what was deleted is not', async (_, open) => {
  const store = open();
  expect([...(await store.load())]).toEqual([]);
  await Promise.all([store.set('a', { text: 'ä\n"\u2028' }), store.set('b', [1]), store.set('c', true)]);
  await store.set('a', { text: 'other' });
  await Promise.all([store.set('d', 1), store.delete('d'), store.delete('b'), store.delete('never')]);
  await store.close();
  expect(await reload(open())).toEqual({ a: { text: 'other' }, c: true });
});

test.each(STORES)('%s: a client goes on with what another left', async (_, open) => {
  const first = receiptsClient(new FakeXmpp('alice@example.org'), { store: open(), component: 'receipts.example.org' });
  const { id } = first.send({ to: 'bob@receipts.example.org', body: 'Hello' });
  await first.ready;
  await first.close();
  const xmpp = new FakeXmpp('alice@example.org');
  const second = receiptsClient(xmpp, { store: open(), component: 'receipts.example.org' });
  await second.ready;
  expect(second.pending()).toMatchObject([{ id, to: 'bob@receipts.example.org', state: 'queued' }]);
  await second.close();
});

test('file: a line that a crash left torn, or that makes no sense, is passed over and told', async () => {
  const store = fileStore(file());
  await store.load();
  await store.set('a', 1);
  await store.close();
  await appendFile(file(), '[17,1]\n["b",2]\n["c",{"tor');
  expect(await reload(fileStore(file()))).toEqual({ a: 1, b: 2, 'line 2': undefined, 'line 4': undefined });
  // The next run has a clean file.
  expect(await reload(fileStore(file()))).toEqual({ a: 1, b: 2 });
});

test('file: nobody else may read it, and it does not grow without end', async () => {
  const store = fileStore(file());
  await store.load();
  for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 100 }, (_, k) => store.set(`k${k % 10}`, i)));
  await store.close();
  expect((await readFile(file(), 'utf8')).split('\n').length).toBeLessThan(1200);
  expect((await stat(file())).mode & 0o077).toBe(0);
  expect(Object.values(await reload(fileStore(file())))).toEqual(Array(10).fill(29));
});

test('file: the change that has it written anew is in it, and what goes while it is being written is gone', async () => {
  const store = fileStore(file());
  await store.load();
  await Promise.all(Array.from({ length: 1100 }, (_, i) => store.set('a', i)));
  const setting = store.set('b', 1);
  // Past the gathering of what goes together.
  await new Promise(setImmediate);
  await Promise.all([setting, store.delete('b')]);
  await store.close();
  expect(await reload(fileStore(file()))).toEqual({ a: 1099 });
});

/** A client on a store, and the problems that it tells of. */
function open(store: Store | undefined, xmpp = new FakeXmpp('alice@example.org')) {
  const problems: Problem[] = [];
  const client = receiptsClient(xmpp, { ...(store && { store }), component: 'receipts.example.org' });
  client.addEventListener('problem', ({ detail }) => problems.push(detail));
  return { client, problems, xmpp };
}

const full: Store = { ...memoryStore(), set: () => Promise.reject(new Error('QuotaExceededError')) };

test('a full store: the message is not sent, and its sender is told', async () => {
  const { client, xmpp } = open(full);
  xmpp.online();
  const failed: string[] = [];
  client.addEventListener('failed', ({ detail }) => failed.push(detail.id));
  const sending = client.send({ to: 'bob@receipts.example.org', body: 'Too much' });
  await expect(sending).rejects.toMatchObject({ failure: { reason: 'not-kept', text: 'QuotaExceededError' } });
  expect(failed).toEqual([sending.id]);
  expect(xmpp.written).toEqual([]);
  expect(client.pending()).toEqual([]);
  await client.close();
});

test('a store of the application’s own that returns no promises does; one that throws at once is told as a problem', async () => {
  const kept = new Map<string, unknown>();
  const synchronous = {
    load: () => [...kept],
    set: (key: string, value: unknown) => void kept.set(key, value),
    delete: (key: string) => void kept.delete(key),
    close: () => {},
  };
  const broken = () => {
    throw new Error('Closed');
  };
  for (const change of [{}, { delete: broken, close: broken }]) {
    kept.clear();
    kept.set('in/a', 'makes no sense');
    const { client, problems, xmpp } = open({ ...synchronous, ...change } as unknown as Store);
    xmpp.online();
    const { id } = client.send({ to: 'bob@receipts.example.org', body: 'Hello' });
    for await (const { state } of client.watch(id)) if (state === 'sent') break;
    expect(xmpp.written).toHaveLength(1);
    expect([...kept.keys()]).toContain(`out/${id}`);
    await client.close();
    const told = 'delete' in change ? ['entry', 'store', 'store'] : ['entry'];
    expect(problems.map(({ what }) => what)).toEqual(told);
  }
});

test('a private window without IndexedDB: a clean start from memory, told as a problem', async () => {
  Object.assign(globalThis, {
    indexedDB: {
      open: () => {
        throw new Error('SecurityError');
      },
    },
  });
  const { client, problems, xmpp } = open(undefined);
  xmpp.online();
  await client.ready;
  expect(problems).toMatchObject([{ what: 'store', error: { message: 'SecurityError' } }]);
  const { id } = client.send({ to: 'bob@receipts.example.org', body: 'Hello' });
  for await (const { state } of client.watch(id)) if (state === 'sent') break;
  expect(xmpp.written).toHaveLength(1);
  await client.close();
});

test('a page without any IndexedDB: the same; in Node nobody misses it', async () => {
  Reflect.deleteProperty(globalThis, 'indexedDB');
  for (const isPage of [true, false]) {
    if (isPage) Object.assign(globalThis, { document: {} });
    const { client, problems, xmpp } = open(undefined);
    Reflect.deleteProperty(globalThis, 'document');
    xmpp.online();
    const { id } = client.send({ to: 'bob@receipts.example.org', body: 'Hello' });
    for await (const { state } of client.watch(id)) if (state === 'sent') break;
    expect(problems.map(({ what }) => what)).toEqual(isPage ? ['store'] : []);
    expect(xmpp.written).toHaveLength(1);
    await client.close();
  }
});

test('entries that make no sense are left out, told and removed; the others count', async () => {
  const store = memoryStore();
  const { client } = open(store);
  const { id } = client.send({ to: 'bob@receipts.example.org', body: 'Sound' });
  await client.ready;
  await client.close();
  const nonsense: [string, unknown][] = [
    ['out/x', { id: 'y' }],
    ['out/z', null],
    ['out/w', { id: 'w', to: 'b', state: 'queued', attempts: 0, queuedAt: 0, seq: 1, stanza: ['message', { to: 1 }] }],
    ['in/a', 'text'],
    ['component', 3],
    ['what', 1],
  ];
  for (const [key, value] of nonsense) await store.set(key, value);
  const again = open(store);
  await again.client.ready;
  expect(again.problems.map(({ what }) => what)).toEqual(nonsense.map(() => 'entry'));
  expect(again.client.pending().map((tracked) => tracked.id)).toEqual([id]);
  await again.client.close();
  expect(Object.keys(await reload(store))).toEqual([`out/${id}`]);
});

test('a file that cannot be written: a clean start, told as a problem', async () => {
  await writeFile(path.join(folder, 'kept'), 'a file where a folder should be');
  const { client, problems } = open(fileStore(file()));
  await client.ready;
  expect(problems).toMatchObject([{ what: 'store' }]);
  await client.close();
});
