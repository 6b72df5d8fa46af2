import { once } from 'node:events';
import net from 'node:net';
import { LinkRelay } from '../../faults/link-relay.ts';
import { until } from '../support/time/until.ts';

const HEADER = '<stream:stream>';

let relay: LinkRelay;
let server: net.Server;
let near: net.Socket;
let far: net.Socket;
/** What each end has been given. */
let heard: { near: string; far: string };
let stanzas: string[];
let connections: number;

beforeEach(async () => {
  stanzas = [];
  connections = 0;
  heard = { near: '', far: '' };
  server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  relay = await LinkRelay.listen({
    port: (server.address() as net.AddressInfo).port,
    onConnect: () => {
      connections += 1;
    },
    onStanza: (stanza) => stanzas.push(stanza),
  });
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  near = net.connect(relay.port, '127.0.0.1');
  [far] = await accepted;
  for (const [end, socket] of [['near', near] as const, ['far', far] as const]) {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      heard[end] += data.toString('latin1');
    });
  }
  near.write(HEADER);
  far.write(HEADER);
  await until(() => heard.near === HEADER && heard.far === HEADER, { what: 'the headers' });
  heard = { near: '', far: '' };
});

afterEach(async () => {
  near.destroy();
  await relay.close();
  server.close();
});

/** However it ends. */
const closed = (socket: net.Socket) => new Promise((resolve) => socket.once('close', resolve));
const message = (n: number) => `<message id='${n}'><body>text of number ${n}</body></message>`;
const messages = (count: number) => Array.from({ length: count }, (_, i) => message(i)).join('');

test('passes everything on as it is, and tells of each whole stanza of the proxy’s', async () => {
  const bytes = messages(3);
  near.write(bytes.slice(0, 20));
  await until(() => heard.far === bytes.slice(0, 20), { what: 'a part of a stanza' });
  near.write(bytes.slice(20));
  far.write('<a/>');
  await until(() => heard.far === bytes && heard.near === '<a/>', { what: 'all' });
  expect(stanzas).toEqual([HEADER, message(0), message(1), message(2)]);
  expect(connections).toBe(1);
});

test('throttled: so many stanzas a second, none lost, the other direction at once', async () => {
  relay.set('out', { rate: 20 });
  const began = performance.now();
  near.write(messages(21));
  far.write('<a/>');
  await until(() => heard.near === '<a/>', { what: 'the other direction' });
  await until(() => heard.far === messages(21), { what: 'all' });
  // Twenty intervals between twenty-one stanzas.
  expect(performance.now() - began).toBeGreaterThanOrEqual(990);
});

test('no longer throttled: what waited goes at once', async () => {
  relay.set('out', { rate: 0.01 });
  near.write(messages(10));
  await until(() => heard.far === message(0), { what: 'the first' });
  relay.set('out', { rate: undefined });
  await until(() => heard.far === messages(10), { what: 'all' });
});

test('delayed: later, and whole', async () => {
  relay.set('both', { delay: 200 });
  const began = performance.now();
  near.write(messages(2));
  await until(() => heard.far === messages(2), { what: 'all' });
  expect(performance.now() - began).toBeGreaterThanOrEqual(199);
});

test('a hole loses one direction, and the connection stays', async () => {
  relay.set('out', { hole: true });
  near.write(messages(2));
  far.write('<a/>');
  await until(() => heard.near === '<a/>' && stanzas.length === 3, { what: 'the other direction' });
  expect(heard.far).toBe('');
  expect(near.destroyed).toBe(false);
});

test('cut inside a stanza: a part of it arrives, and both ends lose the connection', async () => {
  relay.set('out', { cut: 'stanza' });
  near.write(message(1));
  await Promise.all([closed(near), closed(far)]);
  expect(message(1).startsWith(heard.far)).toBe(true);
  expect(heard.far.length).toBeLessThan(message(1).length);
  expect(heard.far.length).toBeGreaterThan(0);
});

test('cut inside a character: what has none passes', async () => {
  relay.set('in', { cut: 'character' });
  far.write(message(1));
  await until(() => heard.near === message(1), { what: 'what has none' });
  far.write('<message><body>é</body></message>');
  await closed(near);
  expect(heard.near.slice(message(1).length)).toBe('<message><body>\u00C3');
});

test('held back: stanzas of one kind, whole, until they are let go', async () => {
  relay.set('in', { withhold: (stanza) => stanza.startsWith('<iq') });
  far.write("<iq id='1'/><a/><iq id=");
  far.write("'2'><b/></iq><c/>");
  await until(() => heard.near === '<a/><c/>', { what: 'the others' });
  relay.set('in', { withhold: undefined });
  await until(() => heard.near === "<a/><c/><iq id='1'/><iq id='2'><b/></iq>", { what: 'those' });
});

test('reset and refused: whoever comes anew is turned away', async () => {
  relay.refuses = true;
  relay.reset();
  await Promise.all([closed(near), closed(far)]);
  const again = net.connect(relay.port, '127.0.0.1');
  again.on('error', () => {});
  await closed(again);
  expect(connections).toBe(1);
});
