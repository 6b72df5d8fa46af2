// Order in a conversation, in a Redis Cluster, where a message has to be asked about in its sender's shard.
import type { Element } from '@xmpp/xml';
import { slotOf } from '../../src/store/redis/hash-slot.ts';
import { Shards } from '../../src/store/redis/shards.ts';
import type { RedisServer } from '../support/servers/redis.ts';
import { type RedisCluster, startRedisCluster } from '../support/servers/redis-cluster.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { ALICE } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

const shards = new Shards('{receipts}', 16);

let group: RedisCluster;
let it: PeerProxy | undefined;
/** Alice's shard lies there. */
let hers: RedisServer;

beforeAll(async () => {
  group = await startRedisCluster({ replicas: false });
  hers = await masterOf(ALICE);
});
afterAll(() => group.stop());
afterEach(async () => {
  hers.thaw();
  await it?.close();
  it = undefined;
});

const masterOf = (user: string) => group.masterOf(slotOf(shards.keysOfUser(user).prefix));

let users = 0;
/** Another user each time, whose shard lies on a master that is none of these. */
async function userElsewhere(...than: readonly RedisServer[]): Promise<string> {
  for (;;) {
    users += 1;
    if (!than.includes(await masterOf(`user${users}@example.org`))) return `user${users}`;
  }
}

/** Starts the process; gives what each user was sent, by name: a body, or the name of the only child. */
async function start(settings: Record<string, string> = {}) {
  const proxy = await PeerProxy.start(group.url, {
    REDIS_CLUSTER: group.addresses,
    SHARDS: '16',
    RETRY_SCHEDULE: '30s',
    MESSAGE_TTL: '1d',
    DEDUP_WINDOW: '1d',
    ...settings,
  });
  it = proxy;
  await proxy.ready();
  const sent = (name: string) => {
    const all: string[] = [];
    proxy.peer.on('stanza', (stanza: Element) => {
      if (!stanza.is('message') || !stanza.attrs.to?.startsWith(`${name}@`)) return;
      all.push(stanza.getChildText('body') ?? stanza.getChildElements()[0]?.name ?? '');
    });
    return all;
  };
  let ids = 0;
  const write = (to: string, inner: string, given?: string) => {
    ids += 1;
    const id = given ?? `a-${ids}`;
    proxy.peer.current.write(
      `<message from="${ALICE}/phone" to="${to}@receipts.example.org" type="chat" id="${id}">${inner}</message>`,
    );
  };
  const says = (to: string, body: string, id?: string) =>
    write(to, `<body>${body}</body><request xmlns="urn:xmpp:receipts"/>`, id);
  /** A message of that id has come and is confirmed, some time ago: the same words under its id are another message. */
  const useId = async (to: string, body: string, id: string) => {
    const received = new Promise<void>((resolve) => {
      proxy.peer.on('stanza', (stanza: Element) => {
        if (stanza.getChild('received')?.attrs.id === id) resolve();
      });
    });
    const his = sent(to);
    says(to, body, id);
    await until(() => his.includes(body), { what: body });
    proxy.peer.current.write(
      `<message from="${to}@example.org/home" to="alice@receipts.example.org" type="chat"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`,
    );
    await received;
    const at = performance.now();
    await until(() => performance.now() - at > 500, { what: 'a while' });
  };
  return { sent, write, says, useId };
}

const ACTIVE = '<active xmlns="http://jabber.org/protocol/chatstates"/>';

test('the same words under an id that is counted anew: what comes behind them in the conversation does not overtake them', async () => {
  const [bob, carol] = [await userElsewhere(hers), await userElsewhere(hers)];
  const { sent, write, says, useId } = await start();
  await useId(bob, 'yes', '5');
  const [his, others] = [sent(bob), sent(carol)];
  hers.freeze();
  says(bob, 'yes', '5');
  says(bob, 'really', '6');
  write(bob, ACTIVE);
  says(carol, 'hello');
  // Nobody else waits for her shard.
  await until(() => others.length === 1, { what: 'what another gets' });
  // By now it is known that she is to be asked about.
  says(bob, 'so', '7');
  write(bob, ACTIVE);
  says(carol, 'hello again');
  await until(() => others.length === 2, { what: 'what another gets' });
  expect(his).toEqual([]);
  hers.thaw();
  await until(() => his.length === 5, { what: 'what he gets' });
  expect(his).toEqual(['yes', 'really', 'active', 'so', 'active']);
});

test('while they are asked about, what her shard would have to say is not to be had: they are refused, and the next goes on', async () => {
  const bob = await userElsewhere(hers);
  const { sent, says, useId } = await start();
  await useId(bob, 'yes', '5');
  const [his, told] = [sent(bob), [] as string[]];
  it?.peer.on('stanza', ({ attrs }: Element) => {
    if (attrs.type === 'error') told.push(attrs.id as string);
  });
  hers.freeze();
  says(bob, 'yes', '5');
  says(bob, 'really', '6');
  await until(() => his.length === 1, { within: 20_000, what: 'what he gets' });
  expect(his).toEqual(['really']);
  expect(told).toEqual(['5']);
});

test('a correction of them, however soon, is one of them, and not of what had the id before', async () => {
  const [bob, carol] = [await userElsewhere(hers), await userElsewhere(hers)];
  const { sent, says, write, useId } = await start();
  await useId(bob, 'yes', '5');
  const [his, others] = [sent(bob), sent(carol)];
  const ids: (string | undefined)[] = [];
  it?.peer.on('stanza', (stanza: Element) => {
    if (stanza.attrs.to?.startsWith(`${bob}@`)) ids.push(stanza.getChild('replace')?.attrs.id ?? stanza.attrs.id);
  });
  const corrects = (body: string) =>
    write(bob, `<body>${body}</body><replace xmlns="urn:xmpp:message-correct:0" id="5"/>`);
  hers.freeze();
  says(bob, 'yes', '5');
  corrects('yes!');
  says(carol, 'hello');
  await until(() => others.length === 1, { what: 'what another gets' });
  corrects('yes?');
  hers.thaw();
  await until(() => his.length === 3, { what: 'what he gets' });
  expect(his).toEqual(['yes', 'yes!', 'yes?']);
  expect(ids).toEqual([ids[0], ids[0], ids[0]]);
  expect(ids[0]).toMatch(/^5~/);
});

test('the status of a message that is asked about is told when that is over', async () => {
  const [bob, carol] = [await userElsewhere(hers), await userElsewhere(hers)];
  const { sent, says, useId } = await start();
  await useId(bob, 'yes', '5');
  const [his, others, states] = [sent(bob), sent(carol), [] as (string | undefined)[]];
  it?.peer.on('stanza', (stanza: Element) => {
    if (stanza.attrs.id === 'asks') states.push(stanza.getChild('status')?.getChild('message')?.attrs.state);
  });
  hers.freeze();
  says(bob, 'yes', '5');
  it?.peer.current.write(
    `<iq type="get" from="${ALICE}/phone" to="receipts.example.org" id="asks"><status xmlns="urn:openfire-receipts:0"><message id="5" to="${bob}@receipts.example.org"/></status></iq>`,
  );
  says(carol, 'hello');
  await until(() => others.length === 1, { what: 'what another gets' });
  expect(states).toEqual([]);
  hers.thaw();
  await until(() => his.length === 1 && states.length === 1, { what: 'both answers' });
  expect(states).toEqual(['pending']);
});

test('what is not stored waits for what went to the same user, also when its sender has written to another meanwhile', async () => {
  const bob = await userElsewhere(hers);
  const frozen = await masterOf(`${bob}@example.org`);
  const carol = await userElsewhere(hers, frozen);
  const { sent, write, says } = await start();
  const [his, others] = [sent(bob), sent(carol)];
  frozen.freeze();
  try {
    says(bob, 'hello');
    says(carol, 'hello');
    write(bob, ACTIVE);
    write(carol, ACTIVE);
    await until(() => others.length === 2, { what: 'what another gets' });
    expect(his).toEqual([]);
  } finally {
    frozen.thaw();
  }
  await until(() => his.length === 2, { what: 'what he gets' });
  expect(his).toEqual(['hello', 'active']);
});
