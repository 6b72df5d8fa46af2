import { loadConfig } from '../../src/config/config.ts';
import { cancel, claim, expire } from '../../src/store/contract.ts';
import { createLog } from '../../src/util/log.ts';
import { ComponentPeer } from '../support/peer/component-peer.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { TestProxy } from '../support/stages/test-proxy.ts';
import { parseStanza } from '../support/stanzas/xml.ts';
import { ALICE as ALICE_BARE, BOB, DAY, keyOf } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

/**
 * Every error about a message bears the message's body: Pidgin and Psi show none without. Whichever way the error comes
 * about, and however long after the message.
 */
let server: RedisServer;
let room: ReturnType<typeof openDeliveryStage>;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  room = openDeliveryStage(server.url);
});
afterEach(() => room.close());

const ALICE = `${ALICE_BARE}/phone`;
const REQUEST = '<request xmlns="urn:xmpp:receipts"/>';
const OWN = '<body xml:lang="en">1 &lt; 2 &amp; 3</body>';
const CHILDREN = `<subject>s</subject>${OWN}${REQUEST}<x xmlns="urn:x"/>`;

/** One that no client counts, so that it is the same message whenever it comes. */
const ID = 'c5f4b5a2-6a3e-4f0e-9d5a-0c1d2e3f4a5b';

const alice = (
  children = CHILDREN,
  attributes = `type="chat" id="${ID}"`,
  to = 'bob@receipts.example.org',
  from = ALICE,
) => `<message from="${from}" to="${to}" ${attributes}>${children}</message>`;
const bounce = (condition: string) =>
  `<message from="bob@example.org" to="alice@receipts.example.org/phone" type="error" id="${ID}"><error type="cancel"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`;

/** Its one error, taken apart; the body as XML. */
function error(written: readonly string[]): { body: string; names: string[]; condition: string | undefined } {
  const errors = written.filter((xml) => xml.startsWith('<message type="error"'));
  expect(errors).toHaveLength(1);
  const stanza = parseStanza(errors[0] as string);
  return {
    body: stanza.getChild('body')?.toString() ?? '',
    names: stanza.getChildElements().map((child) => child.getName()),
    condition: stanza.getChild('error')?.getChildElements()[0]?.getName(),
  };
}

const theError = (condition: string, body = OWN) => ({ body, names: ['body', 'error'], condition });

describe('a refusal', () => {
  const deep = `${'<a xmlns="urn:a">'.repeat(100)}${'</a>'.repeat(100)}`;

  test.each([
    ['forbidden', alice(CHILDREN, 'id="m-1"', 'bob@receipts.example.org', 'eve@other.org/x')],
    ['service-unavailable', alice(CHILDREN, 'id="m-1"', 'receipts.example.org')],
    ['not-acceptable', alice(CHILDREN, 'type="groupchat" id="m-1"')],
    ['jid-malformed', alice(CHILDREN, 'id="m-1"', 'b b@receipts.example.org')],
    ['policy-violation', alice(`${CHILDREN}${deep}`)],
    ['policy-violation', alice(`${CHILDREN}<y xmlns="urn:y">${'y'.repeat(20_000)}</y>`)],
  ])('as %s bears it, and nothing else of the message', async (condition, stanza) => {
    expect(error(await room.given(stanza))).toEqual(theError(condition));
  });

  test('as policy-violation for a body that is too long bears its beginning', async () => {
    const refused = error(await room.given(alice(`<body>${'x'.repeat(20_000)}</body>`)));
    expect(refused.body).toMatch(/^<body>x{4000}…<\/body>$/);
  });

  test('as resource-constraint, when Redis does not take the message, bears it', async () => {
    await room.redis.config('SET', 'maxmemory', '1');
    room.router.stanza(parseStanza(alice()));
    const written: string[] = [];
    await until(() => written.push(...room.written()) > 0, { what: 'the refusal' });
    await room.redis.config('SET', 'maxmemory', '0');
    await room.receipts.pipeline.drained();
    expect(error(written)).toEqual(theError('resource-constraint'));
  });

  test('as internal-server-error, for what we cannot handle, bears it', async () => {
    const stanza = parseStanza(alice());
    stanza.children.push({} as never);
    room.router.stanza(stanza);
    expect(error(room.written())).toEqual(theError('internal-server-error'));
  });

  test.each(['iq', 'presence'])('of what is no message (%s) has no body', async (name) => {
    room.receipts.passthrough.refuse(parseStanza(alice().replaceAll('message', name)), { condition: 'bad-request' });
    expect(room.written().join('')).toMatch(new RegExp(`^<${name} type="error"[^>]*><error`));
  });
});

describe('the error about what was rejected', () => {
  test.each(['item-not-found', 'not-allowed', 'forbidden', 'gone', 'policy-violation', 'not-acceptable'])(
    'by bob’s server, as %s, bears it',
    async (condition) => {
      await room.given(alice());
      expect(error(await room.given(bounce(condition)))).toEqual(theError(condition));
      // And so does the answer to a resend.
      expect(error(await room.given(alice()))).toEqual(theError(condition));
    },
  );

  test('by its sender’s own command bears it, when he sends it again', async () => {
    const message = alice();
    await room.given(message);
    await room.ledger.perform(cancel(keyOf(ID), ALICE_BARE, Date.now(), 'its sender'));
    expect(error(await room.given(message))).toEqual(theError('undefined-condition'));
  });
});

/** The process that ended it has died; another finds, this long (ms) after the end, that its sender is to be told. */
async function noticesLater(end: number, after: number): Promise<string[]> {
  const { overdue } = await room.ledger.sweep(15_000, 10, end + after);
  for (const { key, attempt } of overdue) {
    const claimed = await room.ledger.perform(claim(key, attempt), end + after + 1);
    if (claimed.outcome === 'claimed') room.receipts.endings.repeat(claimed.record);
  }
  return room.written();
}

describe('what is owed after the end', () => {
  const expires = async (): Promise<number> => {
    await room.given(alice());
    await room.redis.set(room.ledger.keys.confirms(BOB), '1');
    await room.handsOver();
    const end = Date.now() + 8 * DAY;
    await room.ledger.batch([expire(keyOf(ID), end)], end);
    return end;
  };

  test('is told at once with the body', async () => {
    await room.given(alice());
    await room.redis.set(room.ledger.keys.confirms(BOB), '1');
    await room.handsOver();
    const end = Date.now() + 8 * DAY;
    const ended = await room.ledger.perform(expire(keyOf(ID), end), end);
    if (ended === undefined) throw new Error('It is not its time');
    room.receipts.endings.repeat(ended);
    expect(error(room.written())).toEqual(theError('recipient-unavailable'));
  });

  test('is told with the body hours later, by a process that never saw the message', async () => {
    const end = await expires();
    expect(error(await noticesLater(end, 6 * 3600_000))).toEqual(theError('recipient-unavailable'));
    // The record that is kept has not grown by it.
    expect(await room.redis.get(room.ledger.keys.record(keyOf(ID)))).not.toContain('<body');
  });

  test('is told with the body when its sender, who was away, is there', async () => {
    const away = room.ledger.keys.sessions(ALICE_BARE);
    await room.redis.hset(away, '', '1');
    const end = await expires();
    expect(await noticesLater(end, 3 * 3600_000)).toEqual([]);
    await room.redis.hset(away, 'tablet', `${end};y`);
    const [notice] = await noticesLater(end, 6 * 3600_000);
    expect(error([notice as string])).toEqual(theError('recipient-unavailable'));
    expect(notice).toContain('to="alice@example.org/tablet"');
  });

  test('is told without it when it is not known any more', async () => {
    const end = await expires();
    await room.redis.del(room.ledger.keys.undelivered(keyOf(ID)));
    expect(error(await noticesLater(end, 3600_000))).toEqual({
      body: '',
      names: ['error'],
      condition: 'recipient-unavailable',
    });
  });

  test('of a delivered message no text is kept', async () => {
    await room.given(alice());
    await room.given(
      `<message from="bob@example.org/desk" to="alice@receipts.example.org/phone"><received xmlns="urn:xmpp:receipts" id="${ID}"/></message>`,
    );
    const { prefix } = room.ledger.keys;
    const names = [...(await room.redis.keys(`${prefix}.*`)), ...(await room.redis.keys(`${prefix}:u:*`))];
    expect(names).toEqual([room.ledger.keys.record(keyOf(ID))]);
    expect(await room.redis.get(names[0] as string)).not.toContain('body');
  });
});

describe('the error about a damaged record', () => {
  test.each([
    ['in its payload, behind the text', (value: string) => value.slice(0, -20), OWN],
    ['in its payload, in the text', (value: string) => value.slice(0, value.indexOf('&lt;')), ''],
    ['between its fields', (value: string) => value.replace('\x1f\x1e', '\x1e'), OWN],
  ])('%s bears the text if that is whole', async (_, damage, body) => {
    await room.given(alice());
    await room.handsOver();
    const name = room.ledger.keys.record(keyOf(ID));
    await room.redis.set(name, damage((await room.redis.get(name)) as string));
    const attempt = await room.ledger.perform(claim(keyOf(ID), 1));
    if (attempt.outcome === 'claimed') room.receipts.copies.redeliver(attempt.record, false);
    await room.receipts.pipeline.drained();
    expect(error(await noticesLater(Date.now(), 1000))).toEqual({
      body,
      names: body === '' ? ['error'] : ['body', 'error'],
      condition: 'internal-server-error',
    });
  });
});

describe('a message over which the server ends the stream', () => {
  test('is told of with its body, and without it if the server ends the stream over that as well', async () => {
    const peer = await ComponentPeer.listen({ secret: 's', serverDomain: 'example.org' });
    const config = loadConfig({
      XMPP_SERVICE: peer.service,
      XMPP_COMPONENT_DOMAIN: 'receipts.example.org',
      XMPP_COMPONENT_SECRET: 's',
      REDIS_URL: server.url,
      REDIS_PREFIX: '{poison}',
      HTTP_PORT: '0',
      LOG_LEVEL: 'silent',
    });
    const quick = { pingInterval: 50, backoffMin: 10, backoffMax: 50, deferFor: 100 };
    const proxy = new TestProxy(config, createLog('silent'), { link: quick });
    await proxy.start();
    const notices: string[] = [];
    peer.on('stanza', (stanza) => {
      if (stanza.attrs.type === 'error') notices.push(stanza.toString());
    });
    const fails = async (id: string, body: string, marker: string) => {
      peer.kill = { marker, how: { condition: 'not-well-formed' } };
      peer.current.write(alice(`<body>${body}</body><x xmlns="urn:x">the culprit</x>`, `type="chat" id="${id}"`));
      await until(() => notices.length > 0, { what: 'the error' });
      return error(notices.splice(0));
    };
    expect(await fails('m-1', 'innocent', 'the culprit')).toEqual(
      theError('policy-violation', '<body>innocent</body>'),
    );
    expect(await fails('m-2', 'poison', 'poison')).toEqual({
      body: '',
      names: ['error'],
      condition: 'policy-violation',
    });
    await proxy.stop(500);
    await peer.close();
  });
});
