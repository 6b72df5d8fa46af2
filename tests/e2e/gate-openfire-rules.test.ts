import { randomUUID } from 'node:crypto';
import xml, { type Element } from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { deliver } from '../support/gate/gate-stage.ts';
import { NO_OPENFIRE, OpenfireGate } from '../support/gate/openfire-gate.ts';
import type { RawClient } from '../support/gate/raw-client.ts';
import { until } from '../support/time/until.ts';

/** Rules of the gate that need a real Openfire, and other plugins in it that fail or are slow. */
if (NO_OPENFIRE !== undefined) console.info(`Skipped: ${NO_OPENFIRE}`);

(NO_OPENFIRE === undefined ? describe : describe.skip)('the rules of the gate in Openfire', () => {
  const stage = new OpenfireGate();
  const [BOB, CAROL] = [`bob@${stage.domain}`, `carol@${stage.domain}`];
  let alice: TestUser;
  let component: GateComponent;
  let asked = 0;

  beforeAll(async () => {
    await stage.clean();
    await stage.probe(true);
    alice = await stage.user('alice', 'phone');
    const carol = await stage.user('carol', 'web');
    // Openfire looks for new plugins every few seconds.
    await until(async () => (await storedBy(carol)) !== undefined, { what: 'the probe', within: 60_000 });
    await stage.empty();
  });
  afterAll(() => stage.probe(false));
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

  /** How many messages another plugin has seen stored for later. */
  async function storedBy(carol: TestUser): Promise<number | undefined> {
    asked += 1;
    await alice.say(CAROL, `probe: stored? ${asked}`);
    const { stored } = (await carol.hears(`probe: stored? ${asked}`)).attrs;
    return stored === undefined ? undefined : Number(stored);
  }
  /** How many sessions have closed that the server was kept from removing at once. */
  async function lingering(carol: TestUser): Promise<number | undefined> {
    asked += 1;
    await alice.say(CAROL, `probe: lingering? ${asked}`);
    const { lingering: all } = (await carol.hears(`probe: lingering? ${asked}`)).attrs;
    return all === undefined ? undefined : Number(all);
  }
  async function said(body: string, to = BOB): Promise<{ n: string; outcome: Element }> {
    await alice.say(to, body);
    const n = await component.held(body);
    return { n, outcome: await component.event('outcome', { n, copy: '1' }) };
  }
  const shown = (n: string) => component.events('held', { n })[0]?.getChild('message') as Element;
  const session = async (client: RawClient) =>
    (await component.event('session', { jid: client.jid, state: 'bound' })).attrs.id as string;

  test('push-listener-fires: who listens for what is stored for later hears of a held message, once', async () => {
    const carol = await stage.user('carol', 'web');
    const before = (await storedBy(carol)) ?? 0;
    expect((await said('For later')).outcome.attrs.state).toBe('offline');
    expect(await storedBy(carol)).toBe(before + 1);
  });

  test('a client that is inactive (XEP-0352) proves nothing of what is kept back: it has it before its proof counts', async () => {
    const bob = await stage.raw('bob', 'desk', { sm: true });
    // Openfire 4.2 ends the stream over an element that it does not know.
    if (!bob.isOffered('csi', 'urn:xmpp:csi:0')) return;
    bob.write('<inactive xmlns="urn:xmpp:csi:0"/>');
    const reactions = xml('reactions', { xmlns: 'urn:xmpp:reactions:0', id: 'm' }, xml('reaction', {}, '+'));
    await alice.send(xml('message', { to: BOB, type: 'chat', id: 'reaction' }, reactions));
    const held = await component.hears((el) => el.name === 'held' && el.getChild('message')?.attrs.id === 'reaction');
    const n = held.attrs.n as string;
    expect((await component.event('outcome', { n, copy: '1' })).attrs.state).toBe('sent');
    const ping = await bob.ping();
    const ids = bob.received.map(({ attrs }) => attrs.id);
    expect(ids).toContain('reaction');
    expect(ids.indexOf('reaction')).toBeLessThan(ids.indexOf(ping.attrs.id));
    expect(component.events('has', { n })).toEqual([]);
    await bob.answer(ping);
    await component.event('has', { n });
  });

  test('slow-offline-sql: storage that is slow for one keeps nobody else waiting', async () => {
    const carol = await stage.user('carol', 'web');
    await alice.say(BOB, 'probe: slow');
    const slow = await component.held('probe: slow');
    await alice.say(BOB, 'Behind it');
    const behind = await component.held('Behind it');
    await said('Meanwhile', CAROL);
    await carol.hears('Meanwhile');
    expect(component.events('outcome', { n: slow })).toEqual([]);
    await component.event('outcome', { n: slow, state: 'offline' });
    await component.event('outcome', { n: behind, state: 'offline' });
  });

  test('another plugin that discards it is seen, and one that throws changes nothing', async () => {
    const bob = await stage.user('bob', 'desk');
    expect((await said('probe: throw')).outcome.attrs.state).toBe('sent');
    expect((await said('probe: reject')).outcome.attrs.state).toBe('refused');
    await said('As ever');
    await bob.hears('As ever');
    expect(bob.bodies()).toEqual(['probe: throw', 'As ever']);
  });

  test('no message body in the gate’s log, where another plugin fails with a text that quotes one', async () => {
    const secret = `probe: fail ${randomUUID()}`;
    expect((await said(secret)).outcome.attrs.state).toBe('unknown');
    const line = 'A stanza could not be routed: java.lang.AssertionError at receipts.gate.probe';
    await until(async () => (await stage.log()).includes(line), { what: 'the line' });
    expect(await stage.log()).not.toContain(secret);
  });

  test('sender-leaves: what is let go while its sender’s session is being closed goes to its recipient all the same, in order', async () => {
    const bob = await stage.user('bob', 'desk');
    const carol = await stage.user('carol', 'web');
    const before = (await lingering(carol)) ?? 0;
    component.verdict = (held) => (/^probe/.test(held.getChildText('body') ?? '') ? 'stored' : undefined);
    const phone = await stage.raw('alice', 'lingers');
    const bodies = ['One', 'Two', 'Three'];
    for (const body of bodies) await phone.send(message(body, 'chat', xml('body', {}, body)));
    const [one = '', two = '', three = ''] = await Promise.all(bodies.map((body) => component.held(body)));
    phone.cut();
    await until(async () => ((await lingering(carol)) ?? 0) > before, { what: 'a session that is being closed' });
    component.decide('stored', one);
    component.decide('pass', two);
    component.decide('stored', three);
    for (const n of [one, three]) expect((await component.event('outcome', { n, copy: '1' })).attrs.state).toBe('sent');
    await bob.hears('Three');
    expect(bob.bodies()).toEqual(bodies);
  });

  test('closed-connection-sent-and-offline: what is for two devices, of which one has no connection any more, is told for each', async () => {
    const bob = await stage.raw('bob', 'desk');
    const carol = await stage.user('carol', 'web');
    const before = (await lingering(carol)) ?? 0;
    const lost = await stage.raw('bob', 'lingers');
    // Each of these is given what is for any.
    for (const one of [bob, lost])
      await one.iq(xml('iq', { type: 'set' }, xml('enable', { xmlns: 'urn:xmpp:carbons:2' })));
    lost.cut();
    await until(async () => ((await lingering(carol)) ?? 0) > before, { what: 'a session that is being closed' });
    const { n, outcome } = await said('To both');
    expect(outcome.attrs.state).toBe('sent offline');
    expect(outcome.getChildren('session').map(({ attrs }) => attrs.jid)).toEqual([bob.jid]);
    await bob.hears('To both');
    await component.event('session', { jid: lost.jid, state: 'gone' });
    expect(component.events('returned', { n })).toEqual([]);
  });

  test('clustered-stub-refuses: with clustering the lease ends, and none is given until it ends', async () => {
    const carol = await stage.user('carol', 'web');
    await alice.say(CAROL, 'probe: cluster on');
    try {
      await component.event('opened', { why: 'cluster' });
      component.token = '';
      await expect(component.enable()).rejects.toThrow('not-allowed');
      await alice.say(CAROL, 'Unheld');
      await carol.hears('Unheld');
    } finally {
      await alice.say(CAROL, 'probe: cluster off');
      await carol.hears('probe: cluster off');
    }
    await component.enable();
    await said('Held again', CAROL);
  });

  test('write-fails-while-session-closes: nothing waits for ever, and each message has its outcome', async () => {
    const bobs: RawClient[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      const bob = await stage.raw('bob', `desk${turn}`, { sm: turn % 2 === 0 });
      const bodies = Array.from({ length: 20 }, (_, i) => `${turn}.${i}`);
      for (const body of bodies) alice.send(message(body, 'chat', xml('body', {}, body))).catch(() => {});
      await bob.hears(`${turn}.0`);
      if (turn % 4 === 0) bob.hangUp();
      else bob.cut();
      bobs.push(bob);
      if (turn % 5 === 4) {
        // Its own connection ends at the same time: all goes unheld.
        component.cut();
        component = await stage.hold();
        component.verdict = () => 'stored';
        continue;
      }
      for (const body of bodies) await component.event('outcome', { n: await component.held(body) });
    }
    const carol = await stage.user('carol', 'web');
    await said('After all', CAROL);
    await carol.hears('After all');
    // Else they stay detached for minutes.
    for (const bob of bobs)
      if (bob.smId !== '') await (await stage.raw('bob', bob.jid.split('/')[1] as string)).leave();
  });

  test('10,001-unacked: the server clears its queue, and all is returned when the session ends', async () => {
    const bob = await stage.raw('bob', 'desk', { sm: true });
    const id = await session(bob);
    const count = 10_001;
    for (let i = 0; i < count; i += 1) {
      await alice.send(message(`${i}`, 'chat', xml('body', {}, `${i}`), xml('no-store', { xmlns: 'urn:xmpp:hints' })));
      // Fewer under way than the gate holds of one sender.
      if (i % 500 === 499) await component.event('outcome', { n: await component.held(`${i}`) });
    }
    await component.event('outcome', { n: await component.held(`${count - 1}`) });
    await bob.leave();
    await component.event('session', { id, state: 'gone' });
    expect(component.events('returned', { session: id })).toHaveLength(count);
  });

  test('detached-once, frozen-then-resumed-five-lines: no copy goes to a session that still has it', async () => {
    const bob = await stage.raw('bob', 'desk', { sm: true });
    const id = await session(bob);
    const before = bob.handled;
    bob.freeze();
    const lines = ['1', '2', '3', '4', '5'];
    const ns: string[] = [];
    for (const line of lines.slice(0, 3)) ns.push((await said(line)).n);
    const waits = async (n: string, copy: number) => {
      await component.command(deliver(n, copy, bob.jid, shown(n)));
      await component.event('outcome', { n, copy: `${copy}`, state: 'waits' });
    };
    for (const n of ns) await waits(n, 2);
    // After a RST Openfire 5 detaches nothing.
    bob.hangUp();
    await component.event('session', { id, state: 'detached' });
    for (const line of lines.slice(3)) ns.push((await said(line)).n);
    for (const n of ns) await waits(n, 3);
    // Openfire 4.2 compares it with what it has sent on the new stream: nothing.
    const resumed = await stage.resume(bob, bob.isOffered('csi', 'urn:xmpp:csi:0') ? before : 0);
    await component.event('session', { id, state: 'resumed' });
    for (const n of ns) await waits(n, 4);
    resumed.listen((el) => {
      if (el.getChild('ping', 'urn:xmpp:ping')) void resumed.answer(el);
    });
    await resumed.hears('5');
    for (const n of ns) await component.event('has', { n, session: id });
    expect(resumed.bodies()).toEqual(lines);
  });

  test('stored-between-flush-and-presence: flushed to the session that comes, proved, and once', async () => {
    const [one, two] = [(await said('One')).n, (await said('Two')).n];
    const bob = await stage.raw('bob', 'desk', { presence: false });
    const id = await session(bob);
    await bob.send(xml('presence'));
    for (const n of [one, two]) await component.event('flushed', { n, session: id });
    // What is stored within one millisecond, Openfire hands out in any order.
    await bob.hears('One');
    await bob.hears('Two');
    for (let i = 0; i < 2 && component.events('has', { session: id }).length < 2; i += 1)
      await bob.answer(await bob.ping());
    await component.event('has', { n: two, session: id });
    expect(bob.bodies().sort()).toEqual(['One', 'Two']);
  });

  test('what the component wants no more is the server’s: it keeps again what a session from its storage was lost with', async () => {
    const { n } = await said('One');
    await component.command(xml('forget', { n }));
    const bob = await stage.raw('bob', 'desk', { sm: true });
    await bob.hears('One');
    await bob.leave();
    const again = await stage.raw('bob', 'again');
    await again.hears('One');
    expect(component.events('flushed')).toEqual([]);
  });

  test('keep-matrix-equals-stock: what is kept for an absent user, and what its sender is told, is as without the gate', async () => {
    const body = () => xml('body', {}, 'text');
    const hint = (name: string) => xml(name, { xmlns: 'urn:xmpp:hints' });
    const kinds: readonly [string, string, ...Element[]][] = [
      ['chat', 'chat', body()],
      ['normal', 'normal', body()],
      ['no-store', 'chat', body(), hint('no-store')],
      ['store', 'chat', hint('store'), xml('encrypted', { xmlns: 'eu.siacs.conversations.axolotl' })],
      ['receipt', 'chat', xml('received', { xmlns: 'urn:xmpp:receipts', id: 'x' })],
      ['link', 'normal', xml('x', { xmlns: 'jabber:x:oob' }, xml('url', {}, 'https://x/y'))],
      ['state', 'chat', xml('composing', { xmlns: 'http://jabber.org/protocol/chatstates' })],
      ['headline', 'headline', body()],
    ];
    // Neither the chat state nor the headline.
    const held = kinds.length - 2;
    const run = async (verdict: 'stored' | 'pass' | undefined) => {
      component.verdict = () => verdict;
      const before = alice.received.length;
      for (const [id, type, ...children] of kinds) await alice.send(message(id, type, ...children));
      await alice.asks(stage.domain, xml('ping', { xmlns: 'urn:xmpp:ping' }));
      if (verdict !== undefined) {
        await until(() => component.events('held').length === held, { what: 'what is held' });
        // Answered when all is routed.
        await component.command(xml('disable'));
        component.cut();
      }
      const told = alice.received.slice(before).filter(({ name }) => name === 'message');
      const bob = await stage.raw('bob', 'desk');
      await alice.say(BOB, 'Last');
      await bob.hears('Last');
      const kept = bob.received.filter(({ name, attrs }) => name === 'message' && attrs.id !== undefined);
      await bob.leave();
      return {
        told: told.map(({ attrs }) => `${attrs.type} ${attrs.id}`).sort(),
        kept: kept
          .map(({ attrs }) => attrs.id)
          .filter((id) => kinds.some(([one]) => one === id))
          .sort(),
      };
    };
    const stored = await run('stored');
    component = await stage.hold();
    const passed = await run('pass');
    const stock = await run(undefined);
    component = await stage.hold();
    expect({ stored, passed }).toEqual({ stored: stock, passed: stock });
    expect(stored.kept).toContain('chat');
    expect(stored.kept).not.toContain('state');
  });

  function message(id: string, type: string, ...children: Element[]): Element {
    return xml('message', { to: BOB, type, id }, ...children);
  }

  test('closed: without a lease the sender is told to try later, and nothing is held; receipts pass', async () => {
    const carol = await stage.user('carol', 'web');
    const set = async (fail: string) => {
      await alice.say(CAROL, `probe: fail=${fail}`);
      await carol.hears(`probe: fail=${fail}`);
      await stage.reload(component);
    };
    await set('closed');
    try {
      await component.command(xml('disable'));
      const error = (await alice.failed(await alice.say(CAROL, 'Refused'))).getChild('error');
      expect(error?.attrs.type).toBe('wait');
      expect(error?.getChild('resource-constraint')).toBeDefined();
      // Without its receipt, what was stored would be said to have failed.
      const receipt = xml('received', { xmlns: 'urn:xmpp:receipts', id: 'r' });
      await carol.send(xml('message', { to: alice.jid, type: 'chat' }, receipt));
      await alice.hears((el) => el.getChild('received')?.attrs.id === 'r');
    } finally {
      component.token = '';
      await component.enable();
      // It says so by a message, which is held.
      await set('open');
    }
    await component.command(xml('disable'));
    await alice.say(CAROL, 'Unheld');
    await carol.hears('Unheld');
    expect(carol.bodies()).not.toContain('Refused');
    component.token = '';
    await component.enable();
  });
});
