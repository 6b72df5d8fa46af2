import { once } from 'node:events';
import type { OutgoingStanza } from '../../src/xmpp/connection/outgoing-stanza.ts';
import { bodyOf, handedOver, INBOUND, LinkStage, message } from '../support/stages/link-stage.ts';

const stage = new LinkStage();

describe('after a reconnect', () => {
  test('what was not handed over comes first, as its owner wants it, then what is new', async () => {
    const claims: string[][] = [];
    const one = stage.link();
    const done = handedOver(one);
    await one.start(async (held) => {
      claims.push(held.map(({ tag }) => tag ?? '-'));
      one.send(message('sent meanwhile'), 'sent meanwhile');
      return held.filter(({ tag }) => tag !== 'b');
    });
    expect(claims).toEqual([]);
    stage.peer.onPing = () => 'none';
    const settled = one.send(message('settled'), 'settled');
    for (const tag of ['a', 'b', 'c']) one.send(message(tag), tag);
    one.send(message('untagged'));
    await stage.peer.handled('a', 'b', 'c', 'untagged');
    stage.peer.bodies.length = 0;
    settled.done = true;
    stage.peer.current.end({ condition: 'system-shutdown' });
    await once(one, 'offline');
    one.send(message('new'), 'new');
    stage.peer.onPing = () => 'result';
    await done.all('a', 'c', 'new', 'sent meanwhile');
    expect(claims).toEqual([['a', 'b', 'c', '-', 'new']]);
    expect(stage.peer.bodies).toEqual(['a', 'c', 'untagged', 'new', 'sent meanwhile']);
    expect(done.tags).toEqual(['a', 'c', 'new', 'sent meanwhile']);
  });

  test('stanzas come in while that is being decided; nothing goes out', async () => {
    let decide: (held: OutgoingStanza<string>[]) => void = () => {};
    let asked = () => {};
    const asking = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const one = stage.link();
    const done = handedOver(one);
    await one.start(() => {
      asked();
      return new Promise((resolve) => {
        decide = resolve;
      });
    });
    stage.peer.onPing = () => 'none';
    const held = one.send(message('a'), 'a');
    await stage.peer.handled('a');
    stage.peer.current.end({ condition: 'reset' });
    await asking;
    const body = bodyOf(one);
    stage.peer.current.write(INBOUND('at once'));
    expect(await body).toBe('at once');
    expect(one.online).toBe(false);
    one.send(message('b'), 'b');
    stage.peer.onPing = () => 'result';
    expect(stage.peer.bodies).toEqual(['a']);
    decide([held]);
    await done.all('a', 'b');
    expect(stage.peer.bodies).toEqual(['a', 'a', 'b']);
  });

  test('a link that breaks while that is being decided is decided anew, one after the other', async () => {
    let open = 0;
    let most = 0;
    let online = 0;
    const release: (() => void)[] = [];
    const one = stage.link();
    const done = handedOver(one);
    await one.start(async (held) => {
      open += 1;
      most = Math.max(most, open);
      await new Promise<void>((resolve) => {
        release.push(resolve);
      });
      open -= 1;
      return held;
    });
    one.on('online', () => {
      online += 1;
    });
    stage.peer.onPing = () => 'none';
    one.send(message('a'), 'a');
    await stage.peer.handled('a');
    stage.peer.current.end({ condition: 'reset' });
    const second = await stage.peer.opened();
    second.end({ condition: 'reset' });
    await stage.peer.opened();
    stage.peer.onPing = () => 'result';
    const releasing = setInterval(() => release.pop()?.(), 1);
    await done.all('a');
    clearInterval(releasing);
    expect([most, online]).toEqual([1, 1]);
    expect(done.tags).toEqual(['a']);
  });

  test('if it cannot be decided, all is sent again', async () => {
    const one = stage.link();
    const done = handedOver(one);
    await one.start(() => Promise.reject(new Error('Redis is down')));
    stage.peer.onPing = () => 'none';
    one.send(message('a'), 'a');
    await stage.peer.handled('a');
    stage.peer.onPing = () => 'result';
    stage.peer.current.end('rst');
    await done.all('a');
  });
});

describe('a stanza that kills the link', () => {
  test.each([
    // In company twice, alone twice, and twice again after it was set aside: a bad network does not do that.
    ['rst', 6],
    ['fin', 6],
    [{ condition: 'undefined-condition' }, 6],
    // The server names a fault: in company once, and alone twice.
    [{ condition: 'not-well-formed' }, 3],
    [{ condition: 'policy-violation' }, 3],
  ] as const)(
    'is quarantined when it has done so again and alone (%p), and the rest arrives in order',
    async (how, ends) => {
      const one = stage.link();
      const done = handedOver(one);
      const bodies = Array.from({ length: 20 }, (_, i) => (i === 7 ? 'poison' : String(i)));
      const innocent = bodies.filter((body) => body !== 'poison');
      const quarantined: (string | undefined)[] = [];
      one.on('quarantined', ({ tag }) => quarantined.push(tag));
      let ended = 0;
      one.on('offline', () => {
        ended += 1;
      });
      await one.start();
      stage.peer.kill = { marker: 'poison', how };
      for (const body of bodies) one.send(message(body), body);
      await done.all(...innocent);
      while (quarantined.length === 0) await once(one, 'quarantined');
      expect(quarantined).toEqual(['poison']);
      expect(ended).toBe(ends);
      expect(done.tags).toEqual(innocent);
      expect([...new Set(stage.peer.bodies)]).toEqual(innocent);
      expect(one.stats.queued).toBe(0);
    },
  );

  test('two of them are both found', async () => {
    const one = stage.link();
    const done = handedOver(one);
    const quarantined: (string | undefined)[] = [];
    one.on('quarantined', ({ tag }) => quarantined.push(tag));
    await one.start();
    stage.peer.kill = { marker: 'poison', how: 'rst' };
    for (const body of ['a', 'poison 1', 'b', 'poison 2', 'c']) one.send(message(body), body);
    await done.all('a', 'b', 'c');
    while (quarantined.length < 2) await once(one, 'quarantined');
    expect(quarantined.sort()).toEqual(['poison 1', 'poison 2']);
  });

  test('a watchdog of ours and a shutdown blame nobody', async () => {
    const one = stage.link({ timing: { pingTimeout: 60 } });
    const done = handedOver(one);
    await one.start();
    stage.peer.onPing = () => 'none';
    one.send(message('a'), 'a');
    for (let i = 0; i < 2; i += 1) await once(one, 'offline');
    for (let i = 0; i < 2; i += 1) {
      await stage.peer.opened();
      stage.peer.current.end({ condition: 'system-shutdown' });
    }
    stage.peer.onPing = () => 'result';
    one.on('quarantined', ({ tag }) => done.tags.push(`quarantined ${tag}`));
    await done.all('a');
    expect(done.tags).toEqual(['a']);
  });
});
