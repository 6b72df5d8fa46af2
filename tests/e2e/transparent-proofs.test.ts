// What proves that a recipient has a message in transparent mode, and what puts that in doubt: rules 17, 18, 20 to 22 of the gate.

import { setTimeout as sleep } from 'node:timers/promises';
import xml, { type Element } from '@xmpp/xml';
import type { Dialogue } from '../support/clients/dialogue.ts';
import type { TestUser } from '../support/clients/test-user.ts';
import { RawClient } from '../support/gate/raw-client.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const MODE = { MODE: 'transparent', RETRY_SCHEDULE: '30s', UNCONFIRMED_RETRY_AFTER: '30s' };
/** Whatever ends, ends within it. */
const LONG = { PROOF_GRACE: '10m' };
/** As good as nothing. */
const SHORT = { PROOF_GRACE: '20ms' };

/** With the account of a user whom no other test knows; or two devices are both given what is for the bare address. */
const onOwnServer = OWN_SERVER ? test : test.skip;

let world: World;
let alice: TestUser;
const raws: RawClient[] = [];

beforeAll(async () => {
  world = await World.open({ gate: true, users: { erin: 'pw', frank: 'pw' } });
});
afterAll(() => world?.close());
afterEach(async () => {
  // One that has ended and could be resumed would be sent what the next test says.
  await Promise.all(raws.splice(0).map((raw) => raw.leave()));
  await world.empty();
});

const counts = () => world.proxy.metrics.counts;
const bob = (name = 'bob') => `${name}@${world.xmpp.domain}`;
const isReceipt = (stanza: Element) => stanza.getChild('received') !== undefined;

function runsWith(settings: Record<string, string>): void {
  beforeAll(() => begin(settings));
  afterAll(() => world.stopProxy());
  beforeEach(async () => {
    alice = await world.user('alice');
  });
}

async function begin(settings: Record<string, string>): Promise<void> {
  await world.startProxy({ ...MODE, ...settings });
  await until(() => world.proxy.readiness.ready, { what: 'the gate' });
}

/** A client that does only what the test says. */
async function raw(
  options: { sm?: boolean } = {},
  resource = world.newResource(),
  username = 'bob',
): Promise<RawClient> {
  const { c2sPort: port, domain, passwords } = world.xmpp;
  const password = passwords.get(username) as string;
  const client = await RawClient.login({ port, domain, username, password, resource }, { ...options, presence: false });
  raws.push(client);
  // Openfire 4.2 does not tell a client of its own presence.
  await client.send(xml('presence'));
  await client.handledBefore();
  return client;
}

/** That client is there again, with what it had handled when its connection was lost. */
async function resume(lost: RawClient, handled: number): Promise<RawClient> {
  const { c2sPort: port, domain, passwords } = world.xmpp;
  const [username = '', resource = ''] = lost.jid.split(/@[^/]*\//);
  const password = passwords.get(username) as string;
  // Openfire 4.2 compares it with what it has sent on the new stream: nothing.
  const h = OWN_SERVER || lost.isOffered('csi', 'urn:xmpp:csi:0') ? handled : 0;
  const resumed = await RawClient.resume({ port, domain, username, password, resource }, lost.smId, h);
  raws.push(resumed);
  return resumed;
}

/** With carbons (XEP-0280) a device is given what is for others too: of two of one priority Openfire gives a message to one. */
const getsAll = (device: Dialogue) =>
  device.iq(xml('iq', { type: 'set' }, xml('enable', { xmlns: 'urn:xmpp:carbons:2' })));

/** What bob's next session is sent beside something new: copies come before that. */
async function nextHears(text: string, name = 'bob'): Promise<string[]> {
  const next = await world.user(name);
  const id = await alice.say(bob(name), text);
  await alice.delivered(id);
  const bodies = next.bodies();
  await livesOn(id, name);
  await logsOut(next);
  return bodies;
}

/** Openfire 4.2 does not say that a client has closed its stream, but it says that it has become unavailable. */
async function logsOut(client: TestUser): Promise<void> {
  await client.unavailable();
  await client.offline();
}

/** What a session has confirmed is in no doubt: it lives on for longer than the short one of the two times. */
async function livesOn(id: string, name = 'bob'): Promise<void> {
  // Alice may be told before the component is, on a busy machine by more than that time.
  await until(async () => (await status(id, name)) === 'delivered', { what: 'the receipt' });
  await sleep(100);
}

/** The state that the component tells alice of a message. */
async function status(id: string, name = 'bob'): Promise<string | undefined> {
  const message = xml('message', { id, to: bob(name) });
  const question = xml('status', { xmlns: 'urn:openfire-receipts:0' }, message);
  const answer = await alice.iq(xml('iq', { type: 'get', to: world.xmpp.componentDomain }, question));
  return answer.getChild('status')?.getChild('message')?.attrs.state;
}

const proved = (before: number) => until(() => counts().provedBySession > before, { what: 'the proof' });

describe('a session that ends soon after its proof', () => {
  runsWith(LONG);

  test('acked-then-app-killed: what it has acknowledged comes once more, to the next session, and then no more', async () => {
    const first = await raw({ sm: true });
    const { proofsDoubted } = counts();
    const id = await alice.say(bob(), 'acknowledged');
    await first.hears('acknowledged');
    await first.ping();
    // Openfire 4.2 counts a stanza when it has been written: one that is acknowledged sooner stays unacknowledged.
    await first.handledBefore();
    first.ack();
    await first.handledBefore();
    first.cut();
    const next = await raw({ sm: true }, first.jid.split('/')[1]);
    await next.hears('acknowledged');
    expect(counts().proofsDoubted).toBe(proofsDoubted + 1);
    await next.send(
      `<message to="${alice.jid}" type="chat" id="r"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`,
    );
    await alice.delivered(id);
    await next.leave();
    expect(await nextHears('another')).toEqual(['another']);
  });

  onOwnServer(
    'a receipt and then the end: it comes once more, to the next session, and its sender is not told again',
    async () => {
      // With others than bob, who may still be sent what is in doubt for him.
      const first = await world.user('erin', { streamManagement: false });
      const id = await alice.say(bob('erin'), 'confirmed');
      await alice.delivered(id);
      first.cut();
      const next = await world.user('erin', { streamManagement: false });
      await next.hears('confirmed');
      await alice.delivered(await alice.say(bob('erin'), 'more'));
      expect(next.bodies()).toEqual(['confirmed', 'more']);
      expect(await status(id, 'erin')).toBe('delivered');
      next.cut();
      // That session has ended soon as well: once is enough, and "more" comes once again.
      const last = await world.user('erin');
      await last.hears('more');
      await alice.delivered(await alice.say(bob('erin'), 'end'));
      expect(last.bodies()).toEqual(['more', 'end']);
      expect(alice.count(isReceipt)).toBe(3);
    },
  );

  for (const streamManagement of [true, false]) {
    const how = streamManagement ? 'with' : 'without';
    test(`a receipt, and its client logs out in order at once, ${how} stream management: nothing comes again`, async () => {
      const { proofsDoubted } = counts();
      const first = await world.user('carol', { streamManagement });
      await alice.delivered(await alice.say(bob('carol'), 'confirmed'));
      await logsOut(first);
      expect(await nextHears('new', 'carol')).toEqual(['new']);
      expect(counts().proofsDoubted).toBe(proofsDoubted);
    });
  }

  test('acknowledged by a client that logs out in order at once: nothing comes again', async () => {
    const first = await raw({ sm: true }, world.newResource(), 'carol');
    const { proofsDoubted, provedBySession } = counts();
    await alice.say(bob('carol'), 'acknowledged');
    await first.hears('acknowledged');
    await first.ping();
    await first.handledBefore();
    first.ack();
    await first.handledBefore();
    await first.send('<presence type="unavailable"/>');
    await first.leave();
    await proved(provedBySession);
    expect(await nextHears('new', 'carol')).toEqual(['new']);
    expect(counts().proofsDoubted).toBe(proofsDoubted);
  });

  test('not confirmed by a client that logs out in order: it comes again', async () => {
    const first = await raw({}, world.newResource(), 'carol');
    await alice.say(bob('carol'), 'not confirmed');
    await first.hears('not confirmed');
    await first.send('<presence type="unavailable"/>');
    await first.leave();
    expect(await nextHears('new', 'carol')).toEqual(['not confirmed', 'new']);
  });

  onOwnServer('two-devices-one-acks: a device that lives has it', async () => {
    const phone = await world.user('carol', { autoReceipt: false });
    const desk = await world.user('carol', { streamManagement: false });
    await alice.delivered(await alice.say(bob('carol'), 'to both'));
    await phone.hears('to both');
    desk.cut();
    expect(await nextHears('new', 'carol')).toEqual(['new']);
    await phone.hears('new');
    expect(phone.bodies()).toEqual(['to both', 'new']);
  });

  // Gajim writes to its database half a second after its receipt: killed before, it has nothing of what it has confirmed.
  test('a receipt and then the end, and the other device that was sent it has no connection and never comes back', async () => {
    const name = OWN_SERVER ? 'frank' : 'carol';
    // To bob what the tests before have said may be sent again.
    const phone = await raw({ sm: true }, world.newResource(), name);
    await getsAll(phone);
    await phone.handledBefore();
    const before = phone.handled;
    phone.hangUp();
    const desk = await world.user(name, { streamManagement: false });
    await getsAll(desk);
    await alice.delivered(await alice.say(bob(name), 'to both'));
    desk.cut();
    const next = await world.user(name);
    await next.hears('to both');
    const resumed = await resume(phone, before);
    await resumed.hears('to both');
    // Both have it: nothing is sent again when they end.
    await next.offline();
    await resumed.leave();
    expect(await nextHears('new', name)).toEqual(['new']);
    expect([next.bodies(), resumed.bodies()]).toEqual([['to both'], ['to both']]);
  });

  test('what was lost comes again in order, however often it was lost', async () => {
    for (const texts of [['one', 'two'], ['three'], ['four']]) {
      // It proves nothing of what it hears.
      const session = await raw({}, world.newResource(), 'dave');
      for (const text of texts) {
        await alice.say(bob('dave'), text);
        await session.hears(text);
      }
      raws.splice(raws.indexOf(session), 1);
      session.cut();
    }
    const next = await world.user('dave');
    await next.hears('four');
    await alice.delivered(await alice.say(bob('dave'), 'five'));
    expect(next.bodies()).toEqual(['one', 'two', 'three', 'four', 'five']);
  });

  test('what it had confirmed just before its end comes again in its turn among what it had not, before what is new', async () => {
    const session = await raw({}, world.newResource(), 'carol');
    const ids: string[] = [];
    for (const text of ['one', 'two', 'three', 'four']) {
      ids.push(await alice.say(bob('carol'), text));
      await session.hears(text);
    }
    for (const id of [ids[3], ids[1]] as string[]) {
      await session.send(
        `<message to="${alice.jid}" type="chat"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`,
      );
      await until(async () => (await status(id, 'carol')) === 'delivered', { what: 'the receipt' });
    }
    session.cut();
    const next = await world.user('carol');
    await alice.delivered(await alice.say(bob('carol'), 'five'));
    expect(next.bodies()).toEqual(['one', 'two', 'three', 'four', 'five']);
  });
});

describe('a session that has no connection and may be resumed', () => {
  runsWith(SHORT);

  test('detached-once: who comes with another device has its messages there, once; resumed, it shows them once', async () => {
    const desk = await world.user('bob');
    await getsAll(desk);
    const phone = await raw({ sm: true });
    await phone.send('<presence><priority>5</priority></presence>');
    await phone.handledBefore();
    const before = phone.handled;
    const texts = ['one', 'two', 'three'];
    const ids: string[] = [];
    for (const text of texts) {
      ids.push(await alice.say(phone.jid, text));
      await phone.hears(text);
    }
    // After a RST Openfire 5 detaches nothing.
    phone.hangUp();
    const tablet = await world.user('bob');
    for (const id of ids) expect((await alice.delivered(id)).attrs.from).toBe(tablet.jid);
    // It was there before, and has had them as carbons: of what is for the bare address Openfire would give it the message itself.
    await desk.asks(world.xmpp.domain, xml('ping', { xmlns: 'urn:xmpp:ping' }));
    expect(desk.bodies()).toEqual([]);
    const resumed = await resume(phone, before);
    await resumed.hears('three');
    await resumed.handledBefore();
    expect([resumed.bodies(), tablet.bodies()]).toEqual([texts, texts]);
    expect(alice.count(isReceipt)).toBe(3);
  });
});

describe('a session that lives on after its proof', () => {
  runsWith(SHORT);

  test('only-the-receipt-lost-shown-once: what was proved does not come again; its sender is told nothing untrue', async () => {
    const first = await raw({ sm: true });
    const { provedBySession } = counts();
    const id = await alice.say(bob(), 'proved');
    await first.hears('proved');
    await first.answer(await first.ping());
    await proved(provedBySession);
    expect(await status(id)).toBe('pending');
    await first.leave();
    expect(await nextHears('new')).toEqual(['new']);
    expect(alice.count(isReceipt)).toBe(1);
    expect(await status(id)).toBe('pending');
  });

  test('late-receipt-told: a receipt after the proof reaches the sender, once, and the status says so', async () => {
    const client = await raw();
    const { provedBySession } = counts();
    const id = await alice.say(bob(), 'late');
    await client.hears('late');
    await client.answer(await client.ping());
    await proved(provedBySession);
    const receipt = `<message to="${alice.jid}" type="chat"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`;
    await client.send(receipt);
    expect((await alice.delivered(id)).attrs.from).toBe(client.jid);
    await until(async () => (await status(id)) === 'delivered', { what: 'the status' });
    const { gateDropped } = counts();
    await client.send(receipt);
    await until(() => counts().gateDropped > gateDropped, { what: 'the second receipt' });
    expect(alice.count(isReceipt)).toBe(1);
  });

  test('two-devices-one-acks: the other one’s end brings nothing again', async () => {
    const desk = await raw();
    const phone = await raw();
    for (const one of [desk, phone]) await getsAll(one);
    const { provedBySession } = counts();
    await alice.say(bob(), 'to both');
    for (const one of [desk, phone]) await one.hears('to both');
    await desk.answer(await desk.ping());
    await proved(provedBySession);
    phone.cut();
    desk.cut();
    expect(await nextHears('new')).toEqual(['new']);
  });

  test('correction-after-original: what was lost comes before its correction, written while it is sent again', async () => {
    const first = await raw();
    const id = await alice.say(bob(), 'wrong');
    await first.hears('wrong');
    first.cut();
    const next = await world.user('bob');
    const correction = xml('replace', { xmlns: 'urn:xmpp:message-correct:0', id });
    await alice.delivered(await alice.say(bob(), 'right', { extra: [correction] }));
    expect(next.bodies()).toEqual(['wrong', 'right']);
  });

  test('a receipt of a session that lives on is in no doubt', async () => {
    const first = await world.user('bob', { streamManagement: false });
    const id = await alice.say(bob(), 'confirmed');
    await alice.delivered(id);
    await livesOn(id);
    first.cut();
    expect(await nextHears('new')).toEqual(['new']);
  });

  test('unheld-then-resent-once: what passed unheld is acknowledged when it is sent again, and not forwarded', async () => {
    const first = await world.user('bob', { autoReceipt: false });
    await world.stopProxy();
    const id = await alice.say(bob(), 'unheld');
    await first.hears('unheld');
    await begin(SHORT);
    // A process is told of all that passed before it, also of what others have sent on a server that is not ours.
    await until(() => counts().gateUnheld > 0, { what: 'what passed unheld' });
    await alice.say(bob(), 'unheld', { id });
    await alice.acknowledged(id);
    await until(() => counts().gateDropped === 1, { what: 'the verdict' });
    await first.send(
      `<message to="${alice.jid}" type="chat" id="r"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`,
    );
    expect((await alice.delivered(id)).attrs.from).toBe(first.jid);
    const after = await alice.say(bob(), 'after');
    await first.hears('after');
    expect(first.bodies()).toEqual(['unheld', 'after']);
    await first.send(
      `<message to="${alice.jid}" type="chat" id="r2"><received xmlns="urn:xmpp:receipts" id="${after}"/></message>`,
    );
    await alice.delivered(after);
  });

  onOwnServer(
    'unheld while he is away, and acknowledged at the resend: it comes from offline storage, once',
    async () => {
      await world.stopProxy();
      const id = await alice.say(bob('erin'), 'stored by the server');
      await begin(SHORT);
      await alice.say(bob('erin'), 'stored by the server', { id });
      await alice.acknowledged(id);
      const erin = await world.user('erin');
      await alice.delivered(id);
      await alice.delivered(await alice.say(bob('erin'), 'after'));
      expect(erin.bodies()).toEqual(['stored by the server', 'after']);
    },
  );

  onOwnServer(
    'unheld while he is away, and the server does not keep it: what was acknowledged comes all the same',
    async () => {
      await world.stopProxy();
      const id = await alice.say(bob('erin'), 'not stored by the server');
      await begin(SHORT);
      await world.xmpp.prosody?.loseOffline('erin');
      await alice.say(bob('erin'), 'not stored by the server', { id });
      await alice.acknowledged(id);
      const erin = await world.user('erin');
      await alice.delivered(id);
      expect(erin.bodies()).toEqual(['not stored by the server']);
    },
  );

  test('unheld, acknowledged at the resend, and its session dies without a word: the next one has it, once', async () => {
    const first = await world.user('bob', { autoReceipt: false, streamManagement: false });
    await world.stopProxy();
    const id = await alice.say(bob(), 'unheld and lost');
    await first.hears('unheld and lost');
    await begin(SHORT);
    await alice.say(bob(), 'unheld and lost', { id });
    await alice.acknowledged(id);
    await until(() => counts().gateDropped === 1, { what: 'the verdict' });
    first.cut();
    expect(await nextHears('new')).toEqual(['unheld and lost', 'new']);
    await alice.delivered(id);
    expect(await nextHears('newer')).toEqual(['newer']);
  });
});
