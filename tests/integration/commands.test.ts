import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { allCommands } from '../../src/commands/catalog.ts';
import type { CommandContext } from '../../src/commands/command-context.ts';
import { Commands } from '../../src/commands/commands.ts';
import { PendingSurvey } from '../../src/commands/pending-survey.ts';
import { reject } from '../../src/store/contract.ts';
import { RedisQueries } from '../../src/store/redis/administration-queries.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { ALICE, aliceWrites, BOB, DAY, keyOf } from '../support/store/ledger.ts';

/** Who may run which command, and what becomes of a client that goes wrong: stanzas in, stanzas out. */
let server: RedisServer;
let room: ReturnType<typeof openDeliveryStage>;
let forgotten: string[];
let redisIsDown = false;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  redisIsDown = false;
  forgotten = [];
  // The room makes the ledger that the commands ask, and answers with the commands.
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
  const perform: CommandContext['perform'] = (operation) =>
    redisIsDown ? Promise.reject(new Error('down')) : room.receipts.pipeline.perform(operation);
  const context: CommandContext = {
    queries: new RedisQueries(room.redis, room.ledger.shards),
    survey: new PendingSurvey({ queries: new RedisQueries(room.redis, room.ledger.shards) }),
    messageTtl: 7 * DAY,
    perform,
    problems: async () => (redisIsDown ? ['Redis does not answer: connect ECONNREFUSED 127.0.0.1:6379'] : []),
    figures: async () => [],
    requeued: (record) => room.receipts.endings.requeue(record),
    ended: (record, ending) => void room.receipts.endings.conclude(record, ending),
    deadLetters: {
      list: async () => ({ letters: [], total: 0, all: true }),
      each: async function* () {},
      remove: async () => {},
    },
    forget: async (jid) => {
      forgotten.push(jid);
      return { done: true, erased: 1 };
    },
    restored: {
      state: async () => undefined,
      say: async () => ({ before: undefined, ended: 0, done: true }),
    },
    countRecords: async () => ({ all: false, count: 1 }),
    version: '1.2.3',
    log: { info: () => {}, warn: () => {} },
  };
  const admins = ['Admin@example.org'];
  inner.commands = new Commands({ addresses, admins, commands: allCommands(context, addresses), perform });
});
afterEach(() => room.close());

const PHONE = `${ALICE}/phone`;
const ADMIN = 'admin@example.org/desk';
const NODE = 'urn:openfire-receipts:0#';
const NS = 'http://jabber.org/protocol/commands';
const ask = (inner: string, from = PHONE, type = 'set') =>
  room.answersTo(`<iq from="${from}" to="receipts.example.org" type="${type}" id="q">${inner}</iq>`);
const command = (node: string, attributes = '', inner = '') =>
  `<command xmlns="${NS}" node="${NODE}${node}" ${attributes}>${inner}</command>`;
const form = (fields: Record<string, string | string[]>) =>
  `<x xmlns="jabber:x:data" type="submit">${Object.entries(fields)
    .map(
      ([name, value]) =>
        `<field var="${name}">${[value]
          .flat()
          .map((one) => `<value>${one}</value>`)
          .join('')}</field>`,
    )
    .join('')}</x>`;
const sessionIn = (answer: string) => /sessionid="([^"]+)"/.exec(answer)?.[1] ?? '';

/** Runs a command to its end, through all of its forms. */
async function run(node: string, from: string, ...forms: Record<string, string | string[]>[]): Promise<string> {
  let answer = await ask(command(node), from);
  const session = sessionIn(answer);
  for (const fields of forms) answer = await ask(command(node, `sessionid="${session}"`, form(fields)), from);
  return answer;
}

const FOR_ADMINS = ['lookup', 'figures', 'heaviest', 'dead-letters', 'pause', 'restored', 'forget'];

describe('who may', () => {
  test.each(FOR_ADMINS)('"%s" is for administrators: others neither see it nor run it', async (node) => {
    expect(await ask(command(node))).toContain('<forbidden xmlns=');
    const info = `<query xmlns="http://jabber.org/protocol/disco#info" node="${NODE}${node}"/>`;
    expect(await ask(info, PHONE, 'get')).toContain('<forbidden xmlns=');
    expect(await ask(info, ADMIN, 'get')).toContain('<identity category="automation" type="command-node"');
    expect(await ask(command(node), ADMIN)).toMatch(/status="(executing|completed)"/);
  });

  test.each(['undelivered', 'status'])('"%s" is for everybody who is served, and for nobody else', async (node) => {
    expect(await ask(command(node))).toContain('status="completed"');
    for (const stranger of ['eve@other.org/x', 'example.org', 'other.org', 'bob@receipts.example.org/x']) {
      expect(await ask(command(node), stranger)).toContain('<forbidden xmlns=');
    }
  });

  test('a stranger sees none, and does not learn which there are', async () => {
    const items = `<query xmlns="http://jabber.org/protocol/disco#items" node="${NS}"/>`;
    expect(await ask(items, 'eve@other.org/x', 'get')).not.toContain('<item');
    expect(await ask(command('no-such'), 'eve@other.org/x')).toContain('<forbidden');
  });

  test('a session is of one full JID, and of one command', async () => {
    const session = sessionIn(await ask(command('pause'), ADMIN));
    const step = command('pause', `sessionid="${session}"`, form({ action: 'pause' }));
    for (const other of ['admin@example.org/phone', 'admin@example.org']) {
      expect(await ask(step, other)).toContain(`<bad-sessionid xmlns="${NS}"/>`);
    }
    expect(await ask(step)).toContain('<forbidden');
    const elsewhere = command('lookup', `sessionid="${session}"`, form({}));
    expect(await ask(elsewhere, ADMIN)).toContain(`<bad-sessionid xmlns="${NS}"/>`);
    expect(await ask(step, ADMIN)).toContain('Redelivery is paused.');
  });

  test('a user can do nothing to the messages of another, whatever he puts into the form', async () => {
    await room.ledger.perform(aliceWrites());
    await room.redis.sadd(room.ledger.keys.from(ALICE), keyOf('m-1'));
    await room.redis.sadd(room.ledger.keys.from('eve@example.org'), keyOf('m-1'));
    const eve = 'eve@example.org/x';
    expect(await run('undelivered', eve)).toContain('None of your messages is undelivered.');
    for (const action of ['cancel', 'retry']) {
      const answer = await run('undelivered', eve, { messages: keyOf('m-1'), action });
      expect(answer).toContain('1 message not there any more.');
    }
    expect(await room.ledger.figures()).toMatchObject({ pending: 1 });
  });
});

test('ids and reasons as large as a stanza make no form that the server would not let through', async () => {
  const long = 'x'.repeat(200_000);
  for (let i = 0; i < 10; i += 1) {
    await room.ledger.perform(aliceWrites({ id: `${long}${i}` }));
    await room.redis.sadd(room.ledger.keys.from(ALICE), keyOf(`${long}${i}`));
  }
  const error = reject(keyOf(`${long}1`), Date.now(), 'not-allowed', undefined, long);
  await room.ledger.perform(error);
  const list = await run('undelivered', PHONE);
  expect(list.match(/<option /g)).toHaveLength(10 + 2);
  expect(list.length).toBeLessThan(10_000);
  const shown = await run('lookup', ADMIN, { sender: ALICE, recipient: BOB, id: `${long}1` });
  expect(shown).toContain('rejected: xxx');
  expect(shown.length).toBeLessThan(10_000);
});

describe('what goes wrong', () => {
  test.each([
    ['an unknown command', command('no-such'), 'item-not-found', ''],
    ['no command', `<command xmlns="${NS}"/>`, 'item-not-found', ''],
    ['another element', `<order xmlns="${NS}" node="${NODE}status"/>`, 'bad-request', ''],
    ['an unknown action', command('status', 'action="leap"'), 'bad-request', 'malformed-action'],
    ['a step without a session', command('status', 'action="next"'), 'bad-request', 'bad-sessionid'],
    ['a cancel without a session', command('status', 'action="cancel"'), 'bad-request', 'bad-sessionid'],
    ['an unknown session', command('status', 'sessionid="s-1-2"'), 'bad-request', 'bad-sessionid'],
  ])('%s', async (_, question, condition, specific) => {
    const answer = await ask(question);
    expect(answer).toContain(`<${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>`);
    expect(answer).toContain(specific && `<${specific} xmlns="${NS}"/>`);
  });

  test.each([
    ['a form that is missing', ''],
    ['a form that was not filled in', '<x xmlns="jabber:x:data" type="form"/>'],
  ])('%s', async (_, payload) => {
    const session = sessionIn(await ask(command('pause'), ADMIN));
    const answer = await ask(command('pause', `sessionid="${session}"`, payload), ADMIN);
    expect(answer).toContain(`<bad-payload xmlns="${NS}"/>`);
    // The session is open still, for a better one.
    expect(await ask(command('pause', `sessionid="${session}"`, form({ action: 'pause' })), ADMIN)).toContain(
      'Redelivery is paused.',
    );
  });

  test.each<[string, string, string, string]>([
    ['a missing field', 'pause', form({}), 'The field "action" is missing'],
    ['an empty field', 'pause', form({ action: ' ' }), 'The field "action" is missing'],
    ['a choice that is none', 'pause', form({ action: 'explode' }), 'The field "action" wants Pause or Resume'],
    ['nothing picked', 'dead-letters', form({ action: 'drop' }), 'No message is picked'],
    [
      'too much picked',
      'dead-letters',
      form({ action: 'drop', messages: Array.from({ length: 51 }, (_, i) => `${i}`) }),
      'At most 50 messages at a time',
    ],
    [
      'what was not in the list',
      'dead-letters',
      form({ action: 'drop', messages: '21:38 dave: gone', listed: '{"21:38 carol: gone":"key"}' }),
      'Not in the list: "21:38 dave: gone". Open the list again',
    ],
    ['no id', 'lookup', form({ sender: ALICE, recipient: BOB }), 'The field "id" is missing'],
    [
      'a foreign user',
      'lookup',
      form({ sender: 'eve@other.org', recipient: BOB, id: 'x' }),
      'Not a user of example.org: eve@other.org',
    ],
    ['a malformed address', 'lookup', form({ sender: '@', recipient: BOB, id: 'x' }), 'Not a user of example.org: @'],
    ['a domain instead of a user', 'forget', form({ user: 'example.org' }), 'Not a user of example.org: example.org'],
    [
      'a foreign user, to a list',
      'dead-letters',
      form({ user: 'eve@other.org' }),
      'Not a user of example.org: eve@other.org',
    ],
    ['no confirmation', 'forget', form({ user: ALICE, confirm: 'false' }), 'It is not confirmed'],
  ])('%s is told as a result, in note and form, since Psi shows no error to a step', async (_, node, payload, why) => {
    const session = sessionIn(await ask(command(node), ADMIN));
    const answer = await ask(command(node, `sessionid="${session}"`, payload), ADMIN);
    expect(answer).toContain('status="completed"');
    expect(answer).toContain(`<note type="error">${why}</note>`);
    expect(answer).toMatch(/<x xmlns="jabber:x:data" type="result">.*<field var="result" type="fixed"><value>/);
    expect(answer).toContain(`<value>${why}</value>`);
    expect(forgotten).toEqual([]);
    // Nothing was done, and a client may come again with a better form.
    const again = await ask(command(node, `sessionid="${session}"`, payload), ADMIN);
    expect(again).toContain(`<note type="error">${why}</note>`);
  });

  test('back from the only form there is no way; from the second there is', async () => {
    const pause = sessionIn(await ask(command('pause'), ADMIN));
    const back = (node: string, session: string) => ask(command(node, `action="prev" sessionid="${session}"`), ADMIN);
    expect(await back('pause', pause)).toContain(`<bad-action xmlns="${NS}"/>`);
    const forget = sessionIn(await ask(command('forget'), ADMIN));
    const second = await ask(command('forget', `sessionid="${forget}"`, form({ user: ALICE })), ADMIN);
    expect(second).toContain('<actions execute="complete"><prev/><complete/></actions>');
    expect(second).toContain(`More than 1 message of or to ${ALICE} is stored.`);
    const first = await back('forget', forget);
    expect(first).toContain('<actions execute="next"><next/></actions>');
    expect(sessionIn(first)).toBe(forget);
  });

  test('what is done is done once: the session ends with it, and with a cancel', async () => {
    const session = sessionIn(await ask(command('forget'), ADMIN));
    const step = command('forget', `action="complete" sessionid="${session}"`, form({ user: ALICE, confirm: '1' }));
    expect(await ask(step, ADMIN)).toContain('1 message erased');
    expect(await ask(step, ADMIN)).toContain(`<session-expired xmlns="${NS}"/>`);
    expect(forgotten).toEqual([ALICE]);
    const other = sessionIn(await ask(command('forget'), ADMIN));
    expect(await ask(command('forget', `action="cancel" sessionid="${other}"`), ADMIN)).toContain('status="canceled"');
    const late = command('forget', `sessionid="${other}"`, form({ user: ALICE, confirm: '1' }));
    expect(await ask(late, ADMIN)).toContain(`<session-expired xmlns="${NS}"/>`);
    expect(forgotten).toEqual([ALICE]);
  });

  test('a command without a form is over with its answer', async () => {
    const session = sessionIn(await ask(command('status')));
    expect(await ask(command('status', `sessionid="${session}"`, form({})))).toContain(
      `<session-expired xmlns="${NS}"/>`,
    );
  });

  test('Redis is away: the status says so, and nothing else is pretended', async () => {
    const session = sessionIn(await ask(command('pause'), ADMIN));
    redisIsDown = true;
    const status = await ask(command('status'));
    expect(status).toContain('<value>State: Messages are not taken: no storage</value>');
    expect(status).not.toContain('6379');
    const answer = await ask(command('pause', `sessionid="${session}"`, form({ action: 'pause' })), ADMIN);
    expect(answer).toContain('<resource-constraint xmlns=');
  });

  test('an error is not answered', async () => {
    room.router.stanza(
      (await import('../support/stanzas/xml.ts')).parseStanza(
        `<iq from="${PHONE}" to="receipts.example.org" type="error" id="q">${command('status')}</iq>`,
      ),
    );
    expect(await ask('<ping xmlns="urn:xmpp:ping"/>', PHONE, 'get')).toContain('type="result"');
    expect(room.counts.dropped).toBe(1);
  });
});

test('the component has a vCard, whose text is of XML’s kind', async () => {
  const answer = await ask('<vCard xmlns="vcard-temp"/>', PHONE, 'get');
  expect(answer).toContain('<FN>Message receipts</FN>');
  expect(answer).toMatch(/<URL>https:\/\/[^<]+<\/URL><DESC>[^<]+<\/DESC>/);
});

test.each([
  ['items', 'x'],
  ['info', `${NODE}x`],
])('disco#%s of a node that there is not: %s', async (what, node) => {
  const question = `<query xmlns="http://jabber.org/protocol/disco#${what}" node="${node}"/>`;
  expect(await ask(question, PHONE, 'get')).toContain('<item-not-found xmlns=');
});
