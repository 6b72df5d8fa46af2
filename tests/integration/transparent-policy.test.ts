// A second address policy, by which users' addresses are the same inside and outside, through the whole of delivery: stanzas
// over a link, records in Redis. The subdomain must appear where the component speaks for itself, and nowhere else.

import { TransparentPolicy } from '../../src/addressing/transparent-policy.ts';
import type { Delivery } from '../../src/delivery/delivery.ts';
import type { Sent } from '../../src/delivery/ports.ts';
import { claim, expire } from '../../src/store/contract.ts';
import { Link } from '../../src/xmpp/connection/link.ts';
import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { ComponentPeer } from '../support/peer/component-peer.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { DOMAINS, openDeliveryStage } from '../support/stages/delivery-stage.ts';
import { DAY } from '../support/store/ledger.ts';
import { until } from '../support/time/until.ts';

const ALICE = 'alice@example.org/phone';
const BOB = 'bob@example.org';
const KEY = recordKey('alice@example.org', BOB, 'm-1');

const REQUEST = '<request xmlns="urn:xmpp:receipts"/>';
const NO_STORE = '<no-store xmlns="urn:xmpp:hints"/>';
const PRIVATE = '<private xmlns="urn:xmpp:carbons:2"/><private xmlns="urn:xmpp:carbons:1"/>';
const receipt = (id: string) => `<received xmlns="urn:xmpp:receipts" id="${id}"/>`;

const alice = (children: string, attributes = 'type="chat" id="m-1"', to = BOB) =>
  `<message from="${ALICE}" to="${to}" ${attributes}>${children}</message>`;
const bob = (children: string, attributes = '', from = `${BOB}/desk`) =>
  `<message from="${from}" to="${ALICE}" ${attributes}>${children}</message>`;

const HELLO = alice(`<body>hello</body>${REQUEST}`);
const ACKNOWLEDGEMENT =
  `<message from="receipts.example.org" to="${ALICE}" id="…"><stored xmlns="urn:openfire-receipts:0" id="m-1" to="${BOB}" durability="memory"/>` +
  `${receipt('m-1')}${NO_STORE}${PRIVATE}</message>`;
const FORWARD = `<message from="${ALICE}" to="${BOB}" type="chat" id="m-1"><body>hello</body>${REQUEST}</message>`;
const DELIVERY = `<message type="chat" from="${BOB}/desk" to="${ALICE}" id="…">${receipt('m-1')}</message>`;
const DELAY = /<delay xmlns="urn:xmpp:delay" from="receipts.example.org" stamp="2\d{3}-\d\d-\d\dT[\d:.]+Z"\/>/;
const STANZA_ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas';
const failure = (type: string, condition: string, text: string, more = '') =>
  `<message type="error" from="${BOB}" to="${ALICE}" id="m-1"><body>hello</body><error type="${type}"${more}>` +
  `<${condition} xmlns="${STANZA_ERRORS}"/><text xmlns="${STANZA_ERRORS}" xml:lang="en">${text}</text>`;

let server: RedisServer;
let peer: ComponentPeer;
let link: Link<Sent>;
let stage: ReturnType<typeof openDeliveryStage>;
let written: string[];

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  peer = await ComponentPeer.listen();
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  link = new Link<Sent>({
    service: peer.service,
    domain: DOMAINS.componentDomain,
    secret: peer.secret,
    serverDomain: DOMAINS.servedDomain,
    log,
    timing: { pingInterval: 20 },
  });
  stage = openDeliveryStage(server.url, { addresses: new TransparentPolicy(DOMAINS), link });
  link.on('stanza', (stanza) => stage.router.stanza(stanza));
  link.on('handedOver', (batch) => stage.receipts.outbox.handedOver(batch));
  written = [];
  peer.on('stanza', (stanza) => written.push(stanza.toString().replace(/ofr-[\w-]+/g, '…')));
  await link.start();
});
afterEach(async () => {
  await link.stop(1000);
  await peer.close();
  stage.close();
});

/** What the component writes when its server gives it this: as many stanzas as are expected. */
async function given(stanza: string, count: number): Promise<string[]> {
  written.length = 0;
  peer.current.write(stanza);
  await until(() => written.length >= count, { what: `${count} stanzas` });
  return [...written];
}

async function handedOver(): Promise<void> {
  await until(() => stage.counts.handedOver > 0, { what: 'the proof of hand-over' });
  await stage.receipts.pipeline.drained();
}

async function writes(act: (delivery: Delivery) => void): Promise<string> {
  written.length = 0;
  act(stage.receipts);
  await until(() => written.length > 0, { what: 'a stanza' });
  return written[0] as string;
}

test('a message is stored, acknowledged, forwarded and confirmed', async () => {
  expect((await given(HELLO, 2)).sort()).toEqual([FORWARD, ACKNOWLEDGEMENT].sort());
  expect(await stage.ledger.status([KEY])).toMatchObject([
    { state: 'pending', sender: 'alice@example.org', recipient: BOB },
  ]);
  // A resend is acknowledged and not forwarded.
  expect(await given(HELLO, 1)).toEqual([ACKNOWLEDGEMENT]);
  expect(await given(bob(receipt('m-1')), 1)).toEqual([DELIVERY]);
  expect(stage.counts).toMatchObject({ accepted: 1, duplicates: 1, delivered: 1, unmatchedReceipts: 0 });
});

test('what was not confirmed is sent again, and confirmed then', async () => {
  await given(HELLO, 2);
  await handedOver();
  const claimed = await stage.ledger.perform(claim(KEY, 1));
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const copy = await writes(({ copies }) => copies.redeliver(claimed.record, false));
  expect(copy).toMatch(DELAY);
  expect(copy.replace(DELAY, '')).toBe(FORWARD);
  expect(await given(bob(receipt('m-1')), 1)).toEqual([DELIVERY]);
});

test('the policy decides who is named in a delay and in an error', async () => {
  stage.close();
  const named = { delayedBy: 'delays.example.org', errorBy: 'errors.example.org' };
  stage = openDeliveryStage(server.url, { addresses: Object.assign(new TransparentPolicy(DOMAINS), named), link });
  await given(HELLO, 2);
  await handedOver();
  const claimed = await stage.ledger.perform(claim(KEY, 1));
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const copy = await writes(({ copies }) => copies.redeliver(claimed.record, false));
  expect(copy).toContain('<delay xmlns="urn:xmpp:delay" from="delays.example.org"');
  const [refused] = await given(alice('<body>hello</body>', 'type="groupchat" id="m-2"'), 1);
  expect(refused).toContain('<error type="modify" by="errors.example.org">');
});

test('a message expires, and its sender is told in its recipient’s name', async () => {
  await given(HELLO, 2);
  await stage.redis.set(stage.ledger.keys.confirms(BOB), '1');
  await handedOver();
  const ended = await stage.ledger.perform(expire(KEY, 0), Date.now() + 8 * DAY);
  if (ended === undefined) throw new Error('It has not ended');
  expect(await writes(({ endings }) => endings.repeat(ended))).toBe(
    `${failure('wait', 'recipient-unavailable', 'No confirmation within 7 days', ' by="receipts.example.org"')}` +
      '<expired xmlns="urn:openfire-receipts:0"/></error></message>',
  );
});

test('where nobody knows whether it arrived, the component says so', async () => {
  await given(HELLO, 2);
  await handedOver();
  const ended = await stage.ledger.perform(expire(KEY, 0), Date.now() + 8 * DAY);
  if (ended === undefined) throw new Error('It has not ended');
  expect(await writes(({ endings }) => endings.repeat(ended))).toBe(
    `<message from="receipts.example.org" to="${ALICE}" id="…">` +
      `<unconfirmed xmlns="urn:openfire-receipts:0" id="m-1" to="${BOB}"/>${NO_STORE}${PRIVATE}</message>`,
  );
});

test('a message that the recipient’s server refuses for good is refused', async () => {
  await given(HELLO, 2);
  const refusal =
    `<error type="modify"><not-acceptable xmlns="${STANZA_ERRORS}"/>` +
    `<text xmlns="${STANZA_ERRORS}" xml:lang="en">why</text></error>`;
  expect(await given(bob(refusal, 'type="error" id="m-1"', BOB), 1)).toEqual([
    `${failure('modify', 'not-acceptable', 'why')}</error></message>`,
  ]);
  expect(await stage.ledger.status([KEY])).toMatchObject([{ state: 'rejected' }]);
});

test('a message that is not taken is refused in its recipient’s name', async () => {
  const [refused] = await given(alice('<body>hello</body>', 'type="groupchat" id="m-1"'), 1);
  expect(refused).toBe(
    `${failure('modify', 'not-acceptable', 'Group chats do not pass through here', ' by="receipts.example.org"')}</error></message>`,
  );
});

test('addresses inside a message stay; a reply that names one proves that its message arrived', async () => {
  await given(HELLO, 2);
  const reply = `<reply xmlns="urn:xmpp:reply:0" to="${ALICE}" id="m-1"/>`;
  const answer = bob(`<body>yes</body>${reply}${REQUEST}`, 'type="chat" id="b-1"');
  const answered = await given(answer, 3);
  expect(answered).toContain(
    `<message from="${BOB}/desk" to="${ALICE}" type="chat" id="b-1"><body>yes</body>${reply}${REQUEST}</message>`,
  );
  expect(answered).toContain(DELIVERY);
  expect(stage.counts).toMatchObject({ accepted: 2, provedByReply: 1 });
});

test('what is not stored passes, and a client asks after what it has sent', async () => {
  const typing = '<composing xmlns="http://jabber.org/protocol/chatstates"/>';
  expect(await given(alice(typing, 'type="chat"'), 1)).toEqual([
    `<message from="${ALICE}" to="${BOB}" type="chat">${typing}</message>`,
  ]);
  await given(HELLO, 2);
  const [status] = await given(
    `<iq from="${ALICE}" to="receipts.example.org" type="get" id="q"><status xmlns="urn:openfire-receipts:0"><message id="m-1" to="${BOB}"/></status></iq>`,
    1,
  );
  expect(status).toContain(`<message id="m-1" to="${BOB}" state="pending"`);
});

test('presence between users goes on as it came, and is known', async () => {
  const subscribe = `<presence from="alice@example.org" to="${BOB}" type="subscribe"/>`;
  expect(await given(subscribe, 1)).toEqual([subscribe]);
  const subscribed = `<presence from="${BOB}" to="alice@example.org" type="subscribed"/>`;
  expect(await given(subscribed, 1)).toEqual([subscribed]);
  const available = `<presence from="${BOB}/desk" to="alice@example.org"/>`;
  expect((await given(available, 1))[0]).toBe(available);
  await stage.receipts.pipeline.drained();
  expect(await stage.ledger.sessionsOf(BOB)).toEqual(['desk']);
});
