import { once } from 'node:events';
import { bodyOf, handedOver, INBOUND, LinkStage, message, proved } from '../support/stages/link-stage.ts';

const stage = new LinkStage();

describe('handing over', () => {
  test('an answered ping hands over what was written before it; one that is done is not told of', async () => {
    const one = stage.link();
    await one.start();
    one.send(message('a'), 'a');
    one.send(message('untagged'));
    one.send(message('b'), 'b').done = false;
    const settled = one.send(message('c'), 'c');
    stage.peer.on('stanza', () => {
      settled.done = true;
    });
    const [tags] = await once(one, 'handedOver');
    expect(tags).toEqual(['a', 'b']);
  });

  test('one without a tag is done when it is handed over, and not when it is written', async () => {
    const one = stage.link();
    await one.start();
    const done = handedOver(one);
    stage.peer.onPing = () => 'none';
    const untagged = one.send(message('untagged'));
    while (!stage.peer.bodies.includes('untagged')) await once(stage.peer, 'stanza');
    expect(untagged.done).toBe(false);
    stage.peer.onPing = () => 'result';
    one.send(message('tagged'), 'tagged');
    await done.all('tagged');
    expect(untagged.done).toBe(true);
  });

  test('pings go to the server from our domain, at most once an interval, and are nobody else’s business', async () => {
    const one = stage.link({ timing: { pingInterval: 60 } });
    const done = handedOver(one);
    const ids: string[] = [];
    stage.peer.onPing = (id) => {
      ids.push(id);
      return 'result';
    };
    const stanzas: string[] = [];
    one.on('stanza', (element) => stanzas.push(element.toString()));
    await one.start();
    const before = performance.now();
    for (let i = 0; i < 20; i += 1) {
      one.send(message(String(i)), String(i));
      await new Promise((resolve) => setTimeout(resolve, 8));
    }
    await done.all('19');
    expect(ids.length).toBeLessThanOrEqual((performance.now() - before) / 60 + 2);
    expect(ids.length).toBeGreaterThanOrEqual(2);
    expect(new Set(ids).size).toBe(ids.length);
    expect(stanzas).toEqual([]);
  });

  test('a ping goes along after so many stanzas, however short the time', async () => {
    const one = stage.link({ timing: { pingEvery: 100, pingInterval: 60_000, pingTimeout: 60_000 } });
    await one.start();
    let pings = 0;
    stage.peer.onPing = () => {
      pings += 1;
      return 'result';
    };
    const done = handedOver(one);
    for (let i = 0; i < 1000; i += 1) one.send(message(String(i)), String(i));
    await done.all('899');
    expect(pings).toBeGreaterThanOrEqual(9);
  });

  test('an error will do as an answer', async () => {
    stage.peer.onPing = () => 'error';
    const one = stage.link();
    const done = handedOver(one);
    await one.start();
    one.send(message('a'), 'a');
    await done.all('a');
  });

  test('an answer from anybody but the server proves nothing', async () => {
    const one = stage.link({ timing: { pingTimeout: 5000 } });
    const done = handedOver(one);
    await proved(one);
    const connection = stage.peer.current;
    const [id] = await new Promise<string[]>((resolve) => {
      stage.peer.onPing = (ping) => {
        resolve([ping]);
        return 'none';
      };
      one.send(message('a'), 'a');
    });
    connection.write(`<iq type="result" id="${id}" from="mallory@example.org/x" to="receipts.example.org"/>`);
    connection.write(`<iq type="result" id="${id}" to="receipts.example.org"/>${INBOUND('after')}`);
    expect(await bodyOf(one)).toBe('after');
    expect(done.tags).toEqual([]);
    connection.write(`<iq type="result" id="${id}" from="Example.Org" to="receipts.example.org"/>`);
    await done.all('a');
  });

  test('an answer that went astray is made good by the next one', async () => {
    const one = stage.link();
    const done = handedOver(one);
    await one.start();
    let count = 0;
    stage.peer.onPing = () => (++count % 3 === 0 ? 'result' : 'none');
    one.send(message('a'), 'a');
    await done.all('a');
    expect(stage.peer.connections).toHaveLength(1);
  });

  test("that answers stray is seen by others' that come here, and not by what a user may send", async () => {
    const one = stage.link();
    await one.start();
    const write = (from: string) =>
      stage.peer.current.write(`<iq type="result" id="ping-another-1" from="${from}" to="receipts.example.org"/>`);
    const next = () => once(one, 'stanza');
    write('alice@example.org/phone');
    await next();
    expect(one.stats.answersMisrouted).toBe(false);
    write('Example.Org');
    await next();
    expect(one.stats.answersMisrouted).toBe(true);
  });
});

test('through random losses, everything arrives, in order, and is handed over once', async () => {
  const count = 1000;
  const endings = ['fin', 'rst', { condition: 'system-shutdown' }, { condition: 'undefined-condition' }] as const;
  const one = stage.link({ timing: { pingEvery: 50, backoffMin: 1, backoffMax: 5 } });
  const done = handedOver(one);
  const quarantined: string[] = [];
  one.on('quarantined', ({ tag }) => quarantined.push(tag ?? ''));
  await one.start();
  let drops = 0;
  const pending = new Map<unknown, string[]>();
  // Each connection's own order is what must not be broken.
  stage.peer.on('stanza', (stanza, connection) => {
    const bodies = pending.get(connection) ?? [];
    bodies.push(stanza.getChildText('body') as string);
    pending.set(connection, bodies);
    // Never while a candidate is alone in doubt: that would be a kill.
    if (drops < 25 && bodies.length > 30 && Math.random() < 0.02) {
      drops += 1;
      connection.end(endings[drops % endings.length] as 'fin');
    }
  });
  const tags = Array.from({ length: count }, (_, i) => String(i));
  for (const tag of tags) {
    one.send(message(tag), tag);
    if (Number(tag) % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise<void>((resolve) => {
    const look = () => done.tags.length + quarantined.length === count && resolve();
    one.on('handedOver', look);
    one.on('quarantined', look);
  });
  expect(drops).toBeGreaterThan(0);
  expect([...done.tags, ...quarantined].sort((a, b) => Number(a) - Number(b))).toEqual(tags);
  expect(done.tags).toEqual([...done.tags].sort((a, b) => Number(a) - Number(b)));
  for (const bodies of pending.values()) {
    expect(bodies).toEqual([...bodies].sort((a, b) => Number(a) - Number(b)));
  }
  for (const tag of done.tags) expect(stage.peer.bodies).toContain(tag);
});
