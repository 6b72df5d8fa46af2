import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { allCommands } from '../../src/commands/catalog.ts';
import type { CommandContext } from '../../src/commands/command-context.ts';
import { Commands } from '../../src/commands/commands.ts';
import { PendingSurvey } from '../../src/commands/pending-survey.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { ALICE, BOB, DAY, keyOf } from '../support/store/ledger.ts';

/**
 * A stranger asks, in a loop, for what becomes of his own messages (row 3): whatever the recipient does meanwhile, he is
 * told the same, and the same happens. Here alice is the stranger, until bob lets her see his presence.
 */
let server: RedisServer;
let room: ReturnType<typeof openDeliveryStage>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  const inner: { commands?: Commands } = {};
  const commandsOf = () => inner.commands as Commands;
  room = openDeliveryStage(server.url, {
    commands: {
      items: (node, requester) => commandsOf().items(node, requester),
      info: (node, requester) => commandsOf().info(node, requester),
      execute: (question, requester) => commandsOf().execute(question, requester),
    },
  });
  const addresses = new SubdomainPolicy({ componentDomain: 'receipts.example.org', servedDomain: 'example.org' });
  const perform: CommandContext['perform'] = (operation) => room.receipts.pipeline.perform(operation);
  const context: CommandContext = {
    queries: new RedisQueries(room.redis, room.ledger.shards),
    survey: new PendingSurvey({ queries: new RedisQueries(room.redis, room.ledger.shards) }),
    messageTtl: 7 * DAY,
    perform,
    problems: async () => [],
    figures: async () => [],
    requeued: () => {},
    ended: () => {},
    deadLetters: {
      list: async () => ({ letters: [], total: 0, all: true }),
      each: async function* () {},
      remove: async () => {},
    },
    forget: async () => ({ done: true, erased: 0 }),
    restored: {
      state: async () => undefined,
      say: async () => ({ before: undefined, ended: 0, done: true }),
    },
    countRecords: async () => ({ all: true, count: 0 }),
    version: '1',
    log: { info: () => {}, warn: () => {} },
  };
  inner.commands = new Commands({ addresses, admins: [], commands: allCommands(context, addresses), perform });
});
afterEach(() => room.close());

const NS = 'http://jabber.org/protocol/commands';
const iq = (inner: string, type: string) =>
  `<iq from="${ALICE}/phone" to="receipts.example.org" type="${type}" id="q">${inner}</iq>`;

/** What bob does, and his contacts and the proxy know. */
const now = () => Date.now();
const SITUATIONS: Record<string, () => Promise<unknown>> = {
  'nothing is known of him': async () => {},
  'he is away': () => sessions({ '': '1' }),
  'he is here': () => sessions({ '': '1', desk: `${now() + 60_000};u;${now()};` }),
  'he is here with a client that returns no receipts': () => sessions({ '': '1', desk: '1;n;1;' }),
  'he has come back, and was sent it again': async () => {
    await sessions({ '': '1', desk: `${now() + 60_000};u;${now()};` });
    await room.redis.setrange(room.ledger.keys.record(keyOf('m-1')), 4, '020003');
    await room.redis.rpush(room.ledger.keys.life(keyOf('m-1')), `${now()} session-ended`);
  },
  'his server has sent it back': () => room.redis.setrange(room.ledger.keys.record(keyOf('m-1')), 2, 'b'),
  'it is being sent to him': () => room.redis.zadd(room.ledger.keys.due, now() + 1000, keyOf('m-1')),
};

async function sessions(of: Record<string, string>): Promise<void> {
  await room.redis.del(room.ledger.keys.sessions(BOB));
  await room.redis.hset(room.ledger.keys.sessions(BOB), of);
}

/** All that she can learn by asking, with times and random ids taken out. */
async function learned(): Promise<string[]> {
  const answers: string[] = [];
  const ask = async (inner: string, type = 'set') => {
    const answer = await room.answersTo(iq(inner, type));
    answers.push(answer.replace(/sessionid="[^"]*"/, '').replace(/\d{4}-\d\d-\d\d[T ][\d:.]+Z?/g, '…'));
    return answer;
  };
  await ask(
    '<status xmlns="urn:openfire-receipts:0"><message id="m-1" to="bob@receipts.example.org"/></status>',
    'get',
  );
  const list = await ask(`<command xmlns="${NS}" node="urn:openfire-receipts:0#undelivered"/>`);
  const session = /sessionid="([^"]+)"/.exec(list)?.[1];
  const form = `<x xmlns="jabber:x:data" type="submit"><field var="messages"><value>${keyOf('m-1')}</value></field><field var="action"><value>retry</value></field></x>`;
  await ask(
    `<command xmlns="${NS}" node="urn:openfire-receipts:0#undelivered" sessionid="${session}">${form}</command>`,
  );
  await ask(`<command xmlns="${NS}" node="urn:openfire-receipts:0#status"/>`);
  return answers;
}

async function oneWaits(): Promise<void> {
  await room.given(
    `<message from="${ALICE}/phone" to="bob@receipts.example.org" type="chat" id="m-1"><body>x</body><request xmlns="urn:xmpp:receipts"/></message>`,
  );
  await room.handsOver();
}

test.each(Object.keys(SITUATIONS))('a stranger is told the same when %s, and the same happens', async (situation) => {
  await oneWaits();
  const usual = await learned();
  await SITUATIONS[situation]?.();
  const due = await room.redis.zscore(room.ledger.keys.due, keyOf('m-1'));
  const record = await room.redis.get(room.ledger.keys.record(keyOf('m-1')));
  expect(await learned()).toEqual(usual);
  // What she wanted happens at its ordinary time, and nothing else does.
  expect(await room.redis.zscore(room.ledger.keys.due, keyOf('m-1'))).toBe(due);
  expect(await room.redis.get(room.ledger.keys.record(keyOf('m-1')))).toBe(record);
  expect(room.link.take()).toEqual([]);
  expect(usual.join('')).toContain('1 message noted, and sent again in the usual course.');
});

test('whoever is shown his presence is told, and gets what she wants', async () => {
  await oneWaits();
  await room.redis.hset(room.ledger.keys.subscriptions(BOB), ALICE, 's');
  await SITUATIONS['he has come back, and was sent it again']?.();
  const answers = (await learned()).join('');
  expect(answers).toContain('attempts="3"');
  expect(answers).toContain('waiting, 2 copies sent');
  expect(answers).toContain('1 message sent again.');
});

test('who asked to be shown it and was not is a stranger', async () => {
  await oneWaits();
  const usual = await learned();
  await room.redis.hset(room.ledger.keys.subscriptions(BOB), ALICE, `p${now()}`);
  await room.redis.hset(room.ledger.keys.subscriptions(ALICE), BOB, 's');
  await SITUATIONS['he is here']?.();
  expect(await learned()).toEqual(usual);
});
