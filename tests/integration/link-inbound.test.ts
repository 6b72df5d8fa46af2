import { once } from 'node:events';
import type { Link } from '../../src/xmpp/connection/link.ts';
import { bodyOf, INBOUND, LinkStage, proved } from '../support/stages/link-stage.ts';

const stage = new LinkStage();

/** The most characters of stanzas that came in one turn of the event loop, while so many came. */
async function mostInTurn(one: Link<string>, count: number, size: number): Promise<number> {
  let [most, inTurn, all] = [0, 0, 0];
  await new Promise<void>((resolve) => {
    one.on('stanza', () => {
      if (inTurn === 0) {
        setImmediate(() => {
          most = Math.max(most, inTurn);
          inTurn = 0;
          if (all === count) resolve();
        });
      }
      inTurn += 1;
      all += 1;
    });
  });
  return most * size;
}

describe('what the server may send', () => {
  test('a character that is split between two chunks stays whole', async () => {
    const one = stage.link();
    await proved(one);
    const bytes = Buffer.from(INBOUND('a😀b'));
    const middle = bytes.indexOf(Buffer.from('😀')) + 2;
    const body = bodyOf(one);
    stage.peer.current.write(bytes.subarray(0, middle));
    await new Promise((resolve) => setTimeout(resolve, 20));
    stage.peer.current.write(bytes.subarray(middle));
    expect(await body).toBe('a😀b');
  });

  test('a stanza in the same chunk as the handshake’s answer', async () => {
    const one = stage.link();
    const body = bodyOf(one);
    stage.peer.on('open', (connection) => connection.write(INBOUND('at once')));
    await one.start();
    expect(await body).toBe('at once');
  });

  test('an address that is none does not end the stream', async () => {
    const one = stage.link();
    await one.start();
    const froms: (string | undefined)[] = [];
    one.on('stanza', ({ attrs }) => froms.push(attrs.from));
    stage.peer.current.write(
      '<message from="@@@" to="b@receipts.example.org"/><iq type="get" from="a b@c" id="1"/><message/>',
    );
    stage.peer.current.write(INBOUND('after'));
    while (froms.length < 4) await once(one, 'stanza');
    expect(froms).toEqual(['@@@', 'a b@c', undefined, 'alice@example.org/phone']);
    expect(stage.peer.connections).toHaveLength(1);
  });

  test('unknown top-level elements and white space are ignored', async () => {
    const one = stage.link();
    await one.start();
    const body = bodyOf(one);
    stage.peer.current.write(` \n<r xmlns="urn:xmpp:sm:3"/> <handshake/> ${INBOUND('after')}`);
    expect(await body).toBe('after');
  });

  test.each([
    ['an unknown entity', '<message><body>&nbsp;</body></message>'],
    ['a mismatched tag', '<message><body></message></body></message>'],
    ['more after it', '<message></body>&x;<<<>><message/>'],
    ['a second stream', '</stream:stream><stream:stream to="x"><message/>'],
    ['an empty stream error', '<stream:error/>'],
    [
      'a redirection',
      '<stream:error><see-other-host xmlns="urn:ietf:params:xml:ns:xmpp-streams">127.0.0.1:1</see-other-host></stream:error>',
    ],
    ['the stream’s end', '</stream:stream>'],
    ['a reset', 'rst'],
    ['a close', 'fin'],
  ])('%s: the link comes back', async (_, sent) => {
    const one = stage.link();
    await one.start();
    const offline = once(one, 'offline');
    const online = stage.peer.opened().then(() => once(one, 'online'));
    if (sent === 'rst' || sent === 'fin') stage.peer.current.end(sent);
    else stage.peer.current.write(sent);
    await offline;
    await online;
    const body = bodyOf(one);
    stage.peer.current.write(INBOUND('after'));
    expect(await body).toBe('after');
    expect(one.stats).toMatchObject({ reconnects: 1 });
  });

  test.each([
    ['garbage', '\u0001\u0002 not XML at all'],
    ['a DOCTYPE', `<!DOCTYPE x [<!ENTITY a "b">]>${INBOUND('swallowed')}`],
  ])('%s: the link notices and comes back', async (_, sent) => {
    const one = stage.link({ timing: { keepalive: 30, pingTimeout: 100 } });
    await one.start();
    stage.peer.current.write(sent);
    await stage.peer.opened();
  });

  test('20,000 levels are skipped, and their sender is named', async () => {
    const one = stage.link();
    await one.start();
    const oversized = once(one, 'oversized');
    const body = bodyOf(one);
    stage.peer.current.write(
      `<message from="m@example.org" id="1">${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}</message>`,
    );
    stage.peer.current.write(INBOUND('after'));
    expect((await oversized)[0]).toEqual({ name: 'message', attrs: { from: 'm@example.org', id: '1' } });
    expect(await body).toBe('after');
    expect(stage.peer.connections).toHaveLength(1);
  });

  test('what is too large is skipped, and its sender is named', async () => {
    const one = stage.link({ maxInboundBytes: 200_000 });
    await one.start();
    const oversized = once(one, 'oversized');
    const body = bodyOf(one);
    stage.peer.current.write(`<message from="m@example.org"><body>${'x'.repeat(600_000)}</body></message>`);
    stage.peer.current.write(INBOUND('after'));
    expect((await oversized)[0]).toMatchObject({ attrs: { from: 'm@example.org' } });
    expect(await body).toBe('after');
    expect(stage.peer.connections).toHaveLength(1);
  });

  test('a listener that throws does not end the stream', async () => {
    const one = stage.link();
    await one.start();
    one.once('stanza', () => {
      throw new Error('a fault of ours');
    });
    stage.peer.current.write(INBOUND('first') + INBOUND('second'));
    await once(one, 'stanza');
    while (!stage.logged.some(({ level }) => level === 'error')) await once(one, 'stanza');
    expect(one.online).toBe(true);
  });
});

test('what comes all at once is read in slices, with turns of the event loop for other work between them', async () => {
  const one = stage.link();
  await proved(one);
  const count = 4000;
  const stanza = INBOUND('x'.repeat(2000));
  const most = mostInTurn(one, count, stanza.length);
  stage.peer.current.write(stanza.repeat(count));
  // A slice of 16 KiB, and the one after it, which comes before this looks; of the next stanza nearly all was there before.
  expect(await most).toBeLessThanOrEqual((32 << 10) + stanza.length);
  await one.stop(5_000);
});

test('what came before the server closed the connection is handled, and a character between two slices stays whole', async () => {
  const one = stage.link();
  await proved(one);
  const bodies: (string | null)[] = [];
  one.on('stanza', (element) => bodies.push(element.getChildText('body')));
  const offline = once(one, 'offline');
  // Of two UTF-16 units each: whatever a slice begins with, it ends in the middle of one for one of these.
  const texts = Array.from({ length: 40 }, (_, i) => `${'x'.repeat(i % 2)}${'😀'.repeat(2000)}${i}`);
  stage.peer.current.write(texts.map(INBOUND).join(''));
  stage.peer.current.end('fin');
  await offline;
  expect(bodies.map((body) => texts.indexOf(body ?? ''))).toEqual(texts.map((_, i) => i));
});
