// A whole component, and a server that is slow to prove what it has: the recipient changes his session meanwhile.
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const BOB = 'bob@example.org';
const DOMAIN = 'receipts.example.org';

let server: RedisServer;
let redis: Redis;
let it: PeerProxy;
/** Ids of the link's pings whose answers are held back. */
let held: string[] | undefined;

beforeEach(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  held = undefined;
  it = await PeerProxy.start(server.url, { SHARDS: '1' });
  it.peer.onPing = (id) => {
    held?.push(id);
    return held === undefined ? 'result' : 'none';
  };
  // Each of bob's sessions is there: it answers whatever it is asked.
  it.peer.on('stanza', ({ name, attrs: { type, id, from, to } }) => {
    if (name !== 'iq' || (type !== 'get' && type !== 'set')) return;
    it.peer.current.write(`<iq type="result" id="${id}" from="${to}" to="${from}"/>`);
  });
});
afterEach(async () => {
  await it.close();
  redis.disconnect();
  await server.stop();
});

const says = (presence: string) => it.peer.current.write(`<presence from="${BOB}${presence} to="${DOMAIN}"/>`);
/** The component knows of these of bob's sessions, and no others. */
const hasSeen = (...resources: string[]) =>
  until(async () => {
    const { '': known, ...sessions } = await redis.hgetall(`{receipts}:sessions:${BOB}`);
    return known !== undefined && Object.keys(sessions).sort().join() === resources.sort().join();
  });

function prove(): void {
  for (const id of held ?? []) {
    it.peer.current.write(`<iq type="result" id="${id}" from="example.org" to="${DOMAIN}"/>`);
  }
  held = undefined;
}

test('his session ends and another begins before the proof: the copy went to the one that ended, and is sent again', async () => {
  says('" type="subscribe"');
  says('/home"');
  await hasSeen('home');
  await it.confirmed(await it.acknowledged('before'));
  held = [];
  await it.acknowledged('lost');
  await it.peer.handled('lost');
  says('/home" type="unavailable"');
  says('/tablet"');
  await hasSeen('tablet');
  prove();
  await until(() => it.copies('lost') === 2, { what: 'another copy' });
});
