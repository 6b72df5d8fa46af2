import { once } from 'node:events';
import net from 'node:net';
import { LinkAuthError } from '../../src/xmpp/connection/link-problem.ts';
import { ComponentPeer, type Reception } from '../support/peer/component-peer.ts';
import { freePort } from '../support/process/ports.ts';
import { handedOver, INBOUND, LinkStage, message } from '../support/stages/link-stage.ts';

const stage = new LinkStage();

const isSilent = (reception: Reception) => reception === 'no-header' || reception === 'no-handshake';

describe('connecting', () => {
  test('opens a stream for its domain that tolerates another one', async () => {
    const one = stage.link();
    const done = handedOver(one);
    const received: string[] = [];
    stage.peer.on('stanza', ({ name }) => received.push(name));
    await one.start();
    expect(one.online).toBe(true);
    expect(stage.peer.current.header).toMatchObject({ to: 'receipts.example.org', allowMultiple: 'true' });
    expect(stage.peer.current.header.xmlns).toBe('jabber:component:accept');
    expect(one.stats).toMatchObject({ reconnects: 0, lastProblem: undefined });
    // One handshake, and nothing that the library would say of itself: a server closes the stream for a second one.
    one.send(message('a'), 'a');
    await done.all('a');
    expect(received).toEqual(['message']);
  });

  test('a wrong secret at start is final, and the log says what to set', async () => {
    stage.peer.reception = 'not-authorized';
    const one = stage.link();
    await expect(one.start()).rejects.toThrow(LinkAuthError);
    expect(stage.peer.connections).toHaveLength(1);
    const errors = stage.logged.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toMatch(/refused the secret .*XMPP_COMPONENT_SECRET.*External Components/);
    expect(JSON.stringify(stage.logged)).not.toContain('"secret"');
  });

  test('a wrong secret later is retried, slowly', async () => {
    const one = stage.link({ timing: { backoffMax: 200 } });
    await one.start();
    expect(one.stats.downSince).toBeUndefined();
    stage.peer.reception = 'not-authorized';
    stage.peer.current.end('fin');
    await once(stage.peer, 'connection');
    // From the loss of the link, over the attempts that follow.
    const { downSince } = one.stats;
    expect(Math.abs(Date.now() - Number(downSince))).toBeLessThan(60_000);
    // That one is refused, and only then does the wait begin.
    const before = performance.now();
    stage.peer.reception = 'normal';
    await once(one, 'online');
    expect(performance.now() - before).toBeGreaterThan(90);
    expect(one.stats).toMatchObject({ downSince: undefined, lastProblem: expect.stringContaining('secret') });
  });

  test.each([
    ['no-id-close', /another connection holds this domain, or it is not permitted/],
    ['no-id-conflict', /another connection holds this domain, or it is not permitted/],
    ['no-header', /did not open the stream in time/],
    ['no-handshake', /did not answer the handshake in time/],
    ['reset', /reset the connection|closed the connection/],
  ] as const)('%s is said in plain words, and tried again', async (reception, words) => {
    stage.peer.reception = reception;
    const one = stage.link(isSilent(reception) ? { timing: { handshakeTimeout: 500 } } : {});
    const started = one.start();
    while (stage.peer.connections.length < 3) await once(stage.peer, 'connection');
    stage.peer.reception = 'normal';
    await started;
    const warnings = stage.logged.filter(({ level }) => level === 'warn');
    expect(warnings.length).toBeGreaterThanOrEqual(2);
    for (const { message: text } of warnings) expect(text).toMatch(words);
    // The watchdog leaves no socket behind.
    for (const connection of stage.peer.connections.slice(0, -1)) await connection.closed();
  });

  test('a server that is not there is waited for', async () => {
    // Of the system's own ports one might be somebody's when the server wants it, or a connection's own.
    const port = await freePort();
    await stage.peer.close();
    const one = stage.link({ service: `xmpp://127.0.0.1:${port}` });
    const started = one.start();
    while (stage.logged.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(stage.logged[0]?.message).toMatch(/ECONNREFUSED/);
    stage.peer = await ComponentPeer.listen({}, port);
    await started;
  });

  test('a header that never comes keeps nothing in memory when the link is stopped', async () => {
    stage.peer.reception = 'no-header';
    const one = stage.link();
    const started = one.start();
    const [connection] = await once(stage.peer, 'connection');
    const failed = expect(started).rejects.toThrow('stopped');
    await one.stop(1000);
    await failed;
    await connection.closed();
  });
});

describe('sending', () => {
  test('what is sent before the link is up waits, and is not written before the header', async () => {
    const one = stage.link();
    const done = handedOver(one);
    one.send(message('early'), 'early');
    const started = one.start();
    one.send(message('connecting'), 'connecting');
    await started;
    await done.all('early', 'connecting');
    expect(stage.peer.bodies).toEqual(['early', 'connecting']);
  });

  test('all that is sent in one turn is one write, as far as flow control allows', async () => {
    const one = stage.link();
    const done = handedOver(one);
    await one.start();
    // Until the window has grown.
    for (let i = 0; one.stats.window < 200; i += 1) {
      for (let j = 0; j < 100; j += 1) one.send(message(`${i}-${j}`), `${i}-${j}`);
      await done.all(`${i}-99`);
    }
    const writes: unknown[] = [];
    const original = net.Socket.prototype.write;
    net.Socket.prototype.write = function (this: net.Socket, ...args: unknown[]) {
      // Of this link: in this process something of another test file may go on.
      if (this.remotePort === stage.peer.port && String(args[0]).includes('<body>')) writes.push(args[0]);
      return (original as (...all: unknown[]) => boolean).apply(this, args);
    } as typeof original;
    try {
      const bodies = Array.from({ length: 100 }, (_, i) => String(i));
      for (const body of bodies) one.send(message(body));
      await stage.peer.handled(...bodies);
    } finally {
      net.Socket.prototype.write = original;
    }
    expect(writes).toHaveLength(1);
  });

  test('Nagle’s algorithm is off', async () => {
    const delays: unknown[] = [];
    const original = net.connect;
    (net as { connect: unknown }).connect = (options: { noDelay: boolean }) => {
      delays.push(options.noDelay);
      return original(options as never);
    };
    try {
      await stage.link().start();
    } finally {
      (net as { connect: unknown }).connect = original;
    }
    expect(delays).toEqual([true]);
  });

  test('characters that XML forbids are removed, so that they do not end the stream', async () => {
    const one = stage.link();
    const done = handedOver(one);
    await one.start();
    one.send(message('a\u0000b\u000bc\ud800d\uffffe😀'), 'a');
    await done.all('a');
    expect(stage.peer.bodies).toEqual(['abcde😀']);
  });

  test('what is more than it may hold is given back, and others are counted', async () => {
    const one = stage.link({ maxQueuedBytes: 1150 });
    const kept = one.send(message('x'.repeat(800)), 'kept');
    const tagged = one.send(message('x'.repeat(300)), 'tagged');
    for (let i = 0; i < 10; i += 1) one.send(message('x'.repeat(300)));
    expect([kept.done, tagged.done]).toEqual([false, true]);
    expect(one.stats).toMatchObject({ queued: 1, dropped: 10 });
    expect(stage.logged.filter(({ message: text }) => text.includes('Too much'))).toHaveLength(1);
    const done = handedOver(one);
    await one.start();
    await done.all('kept');
    expect(done.tags).toEqual(['kept']);
    expect(one.stats).toMatchObject({ queued: 0, queuedBytes: 0 });
  });

  test('a server that does not read stops the writing, not the memory', async () => {
    const one = stage.link({ timing: { pingTimeout: 10_000 } });
    const done = handedOver(one);
    await one.start();
    const connection = stage.peer.current;
    connection.socket.pause();
    const body = 'x'.repeat(5_000);
    for (let i = 0; i < 3000; i += 1) one.send(message(body), String(i));
    const last = one.send(message('withdrawn'), 'withdrawn');
    await new Promise((resolve) => setTimeout(resolve, 50));
    last.done = true;
    connection.socket.resume();
    await done.all('2999');
    expect(stage.peer.bodies).not.toContain('withdrawn');
  });
});

describe('keeping alive', () => {
  test('each stream is pinged at once, and is proved by the first answer', async () => {
    const one = stage.link({ timing: { pingInterval: 60_000 } });
    const id = new Promise<string>((resolve) => {
      stage.peer.onPing = (ping) => {
        resolve(ping);
        return 'none';
      };
    });
    await one.start();
    expect(one.stats.provedAt).toBeUndefined();
    const first = once(one, 'proved');
    const answer = `<iq type="result" id="${await id}" from="example.org" to="receipts.example.org"/>`;
    const before = Date.now();
    stage.peer.current.write(answer);
    await first;
    expect(one.stats.provedAt).toBeGreaterThanOrEqual(before);
    stage.peer.current.end('fin');
    await once(one, 'offline');
    // What an earlier stream had proved says nothing of the next.
    expect(one.stats.provedAt).toBeUndefined();
    stage.peer.onPing = () => 'result';
    await once(one, 'proved');
  });

  test('an idle link is pinged', async () => {
    let pinged = () => {};
    const ping = new Promise<void>((resolve) => {
      pinged = resolve;
    });
    stage.peer.onPing = () => {
      pinged();
      return 'result';
    };
    await stage.link({ timing: { keepalive: 60 } }).start();
    await ping;
    expect(stage.peer.connections).toHaveLength(1);
  });

  test('a half-open link is found and replaced, and nothing is lost', async () => {
    const one = stage.link({ timing: { pingTimeout: 500 } });
    const done = handedOver(one);
    await one.start();
    const dead = stage.peer.current;
    dead.socket.pause();
    one.send(message('a'), 'a');
    const [reason] = await once(one, 'offline');
    expect(reason).toMatch(/has not answered a ping for 0.5 s/);
    await done.all('a');
    expect(stage.peer.connections).toHaveLength(2);
    expect(done.tags).toEqual(['a']);
    dead.socket.destroy();
  });

  test('a server that swallows what we write, but writes itself, is found too', async () => {
    stage.peer.onPing = () => 'none';
    const one = stage.link({ timing: { pingTimeout: 80 } });
    await one.start();
    const { socket } = stage.peer.current;
    const chatter = setInterval(() => socket.write(INBOUND('x')), 10);
    one.send(message('a'), 'a');
    await once(one, 'offline');
    clearInterval(chatter);
  });
});

describe('stopping', () => {
  test('sends what waits, has it confirmed and closes the stream', async () => {
    const one = stage.link({ timing: { pingInterval: 60_000 } });
    const done = handedOver(one);
    await one.start();
    one.send(message('first'), 'first');
    await done.all('first');
    const connection = stage.peer.current;
    one.send(message('last'), 'last');
    const [first, second] = [one.stop(2000), one.stop(1)];
    expect(await first).toEqual({ unconfirmed: 0 });
    expect(await second).toEqual({ unconfirmed: 0 });
    expect(done.tags).toEqual(['first', 'last']);
    await connection.closed();
    expect(one.online).toBe(false);
    expect(one.send(message('too late'), 'x').done).toBe(true);
    expect(stage.peer.connections).toHaveLength(1);
  });

  test('a server that neither answers nor closes does not hold it up', async () => {
    const one = stage.link({ timing: { pingTimeout: 60_000 } });
    await one.start();
    const connection = stage.peer.current;
    connection.socket.pause();
    one.send(message('a'), 'a');
    one.send(message('settled'), 'settled').done = true;
    // Without its own limit it would wait for the server for ever.
    expect(await one.stop(1000)).toEqual({ unconfirmed: 1 });
    expect(connection.socket.destroyed).toBe(false);
    connection.socket.resume();
    await connection.closed();
  });

  test('is possible before the start, and while the link is down', async () => {
    const idle = stage.link();
    idle.send(message('a'), 'a');
    expect(await idle.stop(100)).toEqual({ unconfirmed: 1 });
    const down = stage.link({ service: 'xmpp://127.0.0.1:1', timing: { backoffMin: 60_000, backoffMax: 60_000 } });
    const started = expect(down.start()).rejects.toThrow('stopped');
    while (!stage.logged.some(({ message: text }) => text.includes('Next attempt'))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await down.stop(1000)).toEqual({ unconfirmed: 0 });
    await started;
  });
});
