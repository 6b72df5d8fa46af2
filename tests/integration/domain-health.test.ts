import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

let redis: RedisServer;
let it: PeerProxy | undefined;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await it?.close();
  it = undefined;
});
afterAll(() => redis.stop());

const timing = { domain: { every: 300, firstEvery: 100, remembered: 2000 } };

async function start(settings: Record<string, string> = {}): Promise<PeerProxy> {
  it = await PeerProxy.start(redis.url, settings, { health: timing });
  return it;
}

test('a link on which nothing was answered yet is not ready, and asks for the domain', async () => {
  const world = await PeerProxy.start(redis.url, {}, { health: timing, link: { pingTimeout: 60_000 } });
  it = world;
  await world.ready();
  world.peer.onPing = () => 'none';
  world.peer.current.end('rst');
  await world.unready(
    /takes what receipts\.example\.org sends and answers nothing\. Is receipts\.example\.org a subdomain/,
  );
  world.peer.onPing = () => 'result';
  world.peer.current.end('rst');
  await world.ready();
});

test('a served domain that the server does not know', async () => {
  const world = await start({ XMPP_SERVED_DOMAIN: 'exmaple.org' });
  world.peer.on('stanza', (stanza, connection) => {
    const { id, from, to } = stanza.attrs;
    if (to !== 'exmaple.org') return;
    connection.write(
      `<iq type="error" id="${id}" from="${to}" to="${from}"><error type="cancel"><remote-server-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`,
    );
  });
  await world.unready(/does not know exmaple\.org.*XMPP_SERVED_DOMAIN.* \(since \d{4}-.*Z\)/);
});

test('another program on the domain answers what was meant for us', async () => {
  const world = await start();
  await world.ready();
  let answers = true;
  world.peer.on('stanza', (stanza, connection) => {
    const { id, from, to } = stanza.attrs;
    if (!answers || from !== to) return;
    connection.write(
      `<iq type="error" id="${id}" from="${to}" to="${from}"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`,
    );
  });
  await world.unready(/receipts\.example\.org is not ours alone: another component/);
  expect(await world.metric('domain_shared')).toBe(1);
  // It has gone.
  answers = false;
  await world.ready();
});

test('a stanza of another proxy that comes to us, and one of our own', async () => {
  const world = await start();
  await world.ready();
  let back = 0;
  world.peer.on('stanza', (stanza, connection) => {
    if (stanza.attrs.from !== stanza.attrs.to) return;
    back += 1;
    connection.write(stanza.toString());
  });
  await until(() => back >= 6, { what: 'self-pings' });
  expect((await world.readyz()).problems).toEqual([]);
  world.peer.current.write(
    '<iq type="get" id="ofr-self-somebody-1" from="receipts.example.org" to="receipts.example.org"><ping xmlns="urn:xmpp:ping"/></iq>',
  );
  await world.unready(/another proxy, with another Redis or REDIS_PREFIX/);
});
