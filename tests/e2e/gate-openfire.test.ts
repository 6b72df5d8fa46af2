import { setTimeout as delay } from 'node:timers/promises';
import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { type Comparison, gateDialogue, SHOWN } from '../support/gate/gate-dialogue.ts';
import { deliver, tell } from '../support/gate/gate-stage.ts';
import { NO_OPENFIRE, OpenfireGate } from '../support/gate/openfire-gate.ts';
import { until } from '../support/time/until.ts';

const MADE_UP =
  /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<="SubID">)\w+|(?<=to="[\w.]+\/)\w+(?=" type="result"><bind )/g;

/**
 * Without what Openfire makes up or says in its own time: ids, its questions for a client's version and features, and
 * what a user has published before, which is told when his client's features are known. Of two who write to each other at the same
 * time neither has an order to the other, and of two devices that leave together either may see the other go. What is
 * for any device goes to those with carbons, and to another if that was active in the same millisecond.
 */
function comparable(steps: Comparison): Comparison {
  const strip = (step: string, client: string, heard: string[]) => {
    const texts = heard
      .filter((text) => !/^<iq [^>]*type="get".*(jabber:iq:version|disco#info)/.test(text))
      .filter((text) => step !== 'offline' || !text.includes('type="unavailable"'))
      .filter(
        (text) => step !== 'to herself' || client !== 'alice/phone' || !/^<message [^>]*id="self-[13]"/.test(text),
      )
      .filter((text) => step === 'personal events' || !text.includes('pubsub#event'))
      .map((text) => text.replaceAll(MADE_UP, '*'));
    return step === 'blocked' ? texts.sort() : texts;
  };
  return Object.fromEntries(
    Object.entries(steps).map(([step, clients]) => [
      step,
      Object.fromEntries(Object.entries(clients).map(([client, heard]) => [client, strip(step, client, heard)])),
    ]),
  );
}

/** The plugin in a real Openfire: what its core cannot show by itself. */
if (NO_OPENFIRE !== undefined) console.info(`Skipped: ${NO_OPENFIRE}`);

(NO_OPENFIRE === undefined ? describe : describe.skip)('the gate in Openfire', () => {
  const stage = new OpenfireGate();
  const BOB = `bob@${stage.domain}`;
  let alice: TestUser;
  let component: GateComponent;

  beforeAll(async () => {
    await stage.clean();
    // What a run that was broken off may have left.
    const bob = await stage.user('bob', 'clean');
    // The first block of an account has no effect in sessions that were there before it: it makes the list that the next ones begin with.
    const item = xml('item', { jid: `nobody@${stage.domain}` });
    await bob.asks(undefined, xml('block', { xmlns: 'urn:xmpp:blocking' }, item), 'set');
    await bob.asks(undefined, xml('unblock', { xmlns: 'urn:xmpp:blocking' }), 'set');
    await stage.empty();
  });
  beforeEach(async () => {
    alice = await stage.user('alice', 'phone');
    component = await stage.hold();
    component.verdict = () => 'stored';
  });
  afterEach(async () => {
    await component.forgetAll().catch(() => {});
    await stage.empty();
    await stage.clean();
  });

  /** Alice says it, and it is let go. */
  async function said(body: string): Promise<{ n: string; outcome: Element }> {
    await alice.say(BOB, body);
    const n = await component.held(body);
    return { n, outcome: await component.event('outcome', { n, copy: '1' }) };
  }
  const bodies = ({ received }: { received: Element[] }) =>
    received.flatMap((el) => (el.name === 'message' && el.getChild('body') ? [el.getChildText('body')] : []));
  const shown = (n: string) => component.events('held', { n })[0]?.getChild('message') as Element;
  const many = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`);

  test('held until it is stored, and told who was sent it', async () => {
    const bob = await stage.user('bob', 'desk');
    component.verdict = () => undefined;
    await alice.say(BOB, 'One');
    const n = await component.held('One');
    expect(shown(n).attrs).toMatchObject({ from: alice.jid, to: BOB });
    expect(bodies(bob)).toEqual([]);
    component.decide('stored', n);
    await bob.hears('One');
    const outcome = await component.event('outcome', { n });
    expect(outcome.attrs).toMatchObject({ copy: '1', state: 'sent' });
    expect(outcome.getChild('session')?.attrs.jid).toBe(bob.jid);
  });

  test('acknowledges what is stored where the component asks for that, to the session that has sent it, before it goes', async () => {
    component.cut();
    component = await stage.hold({ acks: 'disk' });
    const tablet = await stage.user('alice', 'tablet');
    const bob = await stage.user('bob', 'desk');
    await tablet.asks(undefined, xml('enable', { xmlns: 'urn:xmpp:carbons:2' }), 'set');
    const id = await alice.say(BOB, 'One');
    const n = await component.held('One');
    await component.command(xml('stored', { n, ack: 'true' }));
    const word = await alice.hears((el) => el.getChild('stored', 'urn:openfire-receipts:0') !== undefined);
    expect(word.attrs).toEqual({ from: stage.component, to: alice.jid, id: expect.any(String) });
    expect(word.getChild('stored')?.attrs).toMatchObject({ id, to: BOB, durability: 'disk' });
    expect(word.getChild('no-store', 'urn:xmpp:hints')).toBeDefined();
    await bob.hears('One');
    await tablet.hears((el) => el.getChild('sent', 'urn:xmpp:carbons:2') !== undefined);
    expect(`${tablet.received}${bob.received}`).not.toContain('openfire-receipts:0');
  });

  test('redis-refuses-bob-offline-one-copy, keep-matrix: the server keeps what is passed and what is stored, and sends it', async () => {
    const { n, outcome } = await said('Stored');
    expect(outcome.attrs.state).toBe('offline');
    component.verdict = () => 'pass';
    await alice.say(BOB, 'Passed');
    await component.held('Passed');
    await component.command();
    const bob = await stage.raw('bob', 'desk');
    await component.event('flushed', { n });
    await bob.answer(await bob.ping());
    await component.event('has', { n, by: 'ping' });
    await bob.hears('Passed');
    expect(bodies(bob).sort()).toEqual(['Passed', 'Stored']);
  });

  test('blocked: the sender has the server’s error, and a copy is refused in silence, once', async () => {
    const bob = await stage.user('bob', 'desk');
    const item = () => xml('item', { jid: `alice@${stage.domain}` });
    const block = await bob.asks(undefined, xml('block', { xmlns: 'urn:xmpp:blocking' }, item()), 'set');
    // Openfire 4.2 has no such command.
    if (block.attrs.type === 'error') return;
    const { n, outcome } = await said('Blocked');
    expect(outcome.attrs.state).toBe('bounced');
    await alice.hears((el) => el.name === 'message' && el.attrs.type === 'error');
    const before = alice.received.length;
    await component.command(deliver(n, 2, bob.jid, shown(n)));
    expect((await component.event('outcome', { n, copy: '2' })).attrs.state).toBe('refused');
    await bob.asks(undefined, xml('unblock', { xmlns: 'urn:xmpp:blocking' }, item()), 'set');
    expect(alice.received.slice(before).filter(({ name }) => name === 'message')).toEqual([]);
    expect(bodies(bob)).toEqual([]);
  });

  test('copy-equals-original-on-the-wire: a copy goes into one session, past carbons', async () => {
    const bob = await stage.user('bob', 'desk');
    const other = await stage.user('bob', 'other');
    const tablet = await stage.user('alice', 'tablet');
    for (const user of [other, tablet])
      await user.asks(undefined, xml('enable', { xmlns: 'urn:xmpp:carbons:2' }), 'set');
    await alice.send(
      xml(
        'message',
        { to: bob.jid, type: 'chat', id: 'm1' },
        xml('body', {}, 'One'),
        xml('x', { xmlns: 'jabber:x:oob' }, xml('url', {}, 'a')),
      ),
    );
    const n = await component.held('One');
    await component.event('outcome', { n });
    const original = await bob.hears('One');
    await component.event('has', { n });
    const counts = [other, tablet].map((user) => user.received.length);
    await component.command(deliver(n, 2, bob.jid, shown(n)));
    expect((await component.event('outcome', { n, copy: '2' })).attrs.state).toBe('sent');
    expect(`${await bob.hears('One')}`).toBe(`${original}`);
    for (const [i, user] of [other, tablet].entries()) {
      await user.asks(stage.domain, xml('ping', { xmlns: 'urn:xmpp:ping' }));
      expect(user.received.slice(counts[i]).filter(({ name }) => name === 'message')).toEqual([]);
    }
  });

  test('h-one-ahead-no-has: an acknowledgement proves what comes before the last stanza that it covers', async () => {
    const bob = await stage.raw('bob', 'desk', { sm: true });
    const before = bob.handled;
    const [one, two] = [await said('One'), await said('Two')];
    await bob.hears('Two');
    bob.ack(before + 2);
    await component.event('has', { n: one.n, by: 'sm' });
    await bob.handledBefore();
    expect(component.events('has')).toHaveLength(1);
    await bob.ping();
    // Openfire 4.2 counts a stanza when it has been written: one that is acknowledged sooner stays unacknowledged.
    await bob.handledBefore();
    bob.ack();
    await component.event('has', { n: two.n, by: 'sm' });
  });

  test('mallory-answers-no-has: a ping counts when it is answered on its session', async () => {
    const bob = await stage.raw('bob', 'desk');
    const mallory = await stage.raw('carol', 'web');
    await said('One');
    const ping = await bob.ping();
    await mallory.answer(ping);
    await mallory.handledBefore();
    await component.command();
    expect(component.events('has')).toEqual([]);
  });

  test('what a dead session left is returned, and the server routes none of it again', async () => {
    const bob = await stage.raw('bob', 'desk', { sm: true });
    const { n } = await said('One');
    await bob.hears('One');
    await bob.leave();
    await component.event('returned', { n, jid: bob.jid });
    await component.event('session', { jid: bob.jid, state: 'gone' });
    const again = await stage.raw('bob', 'again');
    await again.handledBefore();
    expect(bodies(again)).toEqual([]);
    await component.command(deliver(n, 2, again.jid, shown(n)));
    await again.hears('One');
  });

  test('opened-then-session-dies-equals-stock: what was passed goes where it went without us', async () => {
    const bob = await stage.raw('bob', 'desk', { sm: true });
    component.verdict = () => 'pass';
    await alice.say(BOB, 'One');
    await bob.hears('One');
    await bob.leave();
    await component.event('session', { jid: bob.jid, state: 'gone' });
    const again = await stage.raw('bob', 'again');
    await again.hears('One');
    expect(component.events('held')).toHaveLength(1);
  });

  test('tells of sessions: bound, available, its priority, gone', async () => {
    const bob = await stage.user('bob', 'desk', { presence: false });
    await bob.goesAvailable({ priority: 3 });
    await component.event('session', { jid: bob.jid, state: 'bound' });
    await component.event('session', { jid: bob.jid, state: 'available', priority: '3' });
    await bob.goesAvailable({ priority: 7 });
    await component.event('session', { jid: bob.jid, state: 'available', priority: '7' });
    await bob.offline();
    await component.event('session', { jid: bob.jid, state: 'gone' });
  });

  test('tells a receipt in the contact’s name, to one session; not with a body', async () => {
    const bob = await stage.user('bob', 'desk');
    const received = xml('received', { xmlns: 'urn:xmpp:receipts', id: 'm1' });
    await component.command(tell(bob.jid, alice.jid, 'r1', received));
    const heard = await alice.hears((el) => el.getChild('received', 'urn:xmpp:receipts') !== undefined);
    expect(heard.attrs).toMatchObject({ from: bob.jid, id: 'r1' });
    const answer = await component.command(tell(bob.jid, alice.jid, 'r2', xml('body', {}, 'Forged')));
    expect(`${answer}`).toContain('reason="forbidden"');
  });

  test('user-sends-has, two-marks, other-component-forges-each-verb', async () => {
    const bob = await stage.user('bob', 'desk');
    const mark = () => xml('gate', { xmlns: 'urn:openfire-receipts:gate:1', token: 't' }, xml('has', { n: '1' }));
    await alice.send(xml('message', { to: BOB, type: 'headline', id: 'h' }, xml('body', {}, 'News'), mark(), mark()));
    expect(`${await bob.hears('News')}`).not.toContain('gate:1');
    await alice.send(xml('message', { to: component.jid, id: 'c' }, xml('body', {}, 'Marked'), mark()));
    expect(`${await component.hears('Marked')}`).not.toContain('gate:1');
    const other = await stage.other('other');
    const forged = component.request(component.token.replace(/^./, '_'), xml('disable'));
    other.write(`${forged}`);
    other.write(`${component.request('', xml('enable', { version: '1', process: 'forger' }))}`);
    await other.hears(({ attrs }) => attrs.type === 'error');
    await said('Still held');
    expect(other.received.filter((el) => `${el}`.includes('enabled'))).toEqual([]);
    other.end();
  });

  test('component killed among 500: all once, in order', async () => {
    const bob = await stage.user('bob', 'desk');
    for (const body of many(500)) {
      await alice.say(BOB, body);
      if (body === 'm250') component.cut();
    }
    await bob.hears('m499');
    expect(bodies(bob)).toEqual(many(500));
    component = await stage.hold();
  });

  test('component hung: one pause of a time-out, then all unheld; late verdicts make no duplicate', async () => {
    const bob = await stage.user('bob', 'desk');
    component.verdict = () => undefined;
    const began = Date.now();
    for (const body of many(50)) await alice.say(BOB, body);
    await bob.hears('m49');
    expect(Date.now() - began).toBeGreaterThan(2900);
    expect((await component.event('opened')).attrs.why).toBe('timeout');
    for (const { attrs } of component.events('held')) component.decide('stored', attrs.n as string);
    await alice.say(BOB, 'After');
    await bob.hears('After');
    expect(bodies(bob)).toEqual([...many(50), 'After']);
    component.token = '';
    const passed = (await component.enable()).filter(({ name }) => name === 'outcome');
    expect(passed.map(({ attrs }) => attrs.state)).toEqual(many(50).map(() => 'passed'));
  });

  test('stored, then killed: a new connection is told what became of all', async () => {
    const bob = await stage.user('bob', 'desk');
    for (const body of many(50)) await alice.say(BOB, body);
    await bob.hears('m49');
    component.cut();
    const second = await stage.attach();
    const events = await second.enable();
    expect(events.filter(({ name, attrs }) => name === 'outcome' && attrs.state === 'sent')).toHaveLength(50);
    expect(bodies(bob)).toEqual(many(50));
    component = second;
  });

  test('wire-comparison-covers-each: every client is sent the same with the gate and without', async () => {
    const run = async (gate: boolean) => {
      await stage.empty();
      await stage.clean();
      const other = await stage.other('other');
      component = gate ? await stage.hold() : await stage.attach();
      component.verdict = () => 'stored';
      const steps = await gateDialogue({
        domain: stage.domain,
        muc: `conference.${stage.domain}`,
        login: (username, resource, options) => stage.user(username, resource, options),
        other,
        // Without a gate nothing is held, and nothing says when all is done.
        settled: () => (gate ? component.settled() : delay(100)),
      });
      other.end();
      return { steps, shown: component.events('held').map((el) => el.getChild('message')?.attrs.id as string) };
    };
    const without = await run(false);
    const withGate = await run(true);
    expect(withGate.shown.sort()).toEqual(SHOWN);
    expect(comparable(withGate.steps)).toEqual(comparable(without.steps));
  });

  test('unload-under-load, reload-no-duplicates: the plugin goes and comes amid traffic', async () => {
    const bob = await stage.user('bob', 'desk');
    let count = 0;
    let going = true;
    const traffic = (async () => {
      for (; going; count += 1) {
        await alice.say(BOB, `m${count}`);
        if (count % 10 === 0) await delay(5);
      }
    })();
    await until(() => count > 100, { what: 'some traffic' });
    await stage.reload(component);
    const last = component.events('held').length;
    await until(() => component.events('held').length > last + 50, { what: 'holding again' });
    going = false;
    await traffic;
    await bob.hears(`m${count - 1}`);
    expect(bodies(bob)).toEqual(many(count));
  });
});
