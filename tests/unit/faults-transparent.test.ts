// The campaign's rules where a gate holds messages (MODE=transparent), and what it reads off the wire.

import { choice } from '../../faults/campaign.ts';
import { check } from '../../faults/checker.ts';
import { GateWire } from '../../faults/gate-wire.ts';
import { type Event, Recorder } from '../../faults/history.ts';
import { Owed } from '../../faults/owed.ts';
import { SCENARIOS } from '../../faults/scenarios.ts';
import { document } from '../../faults/table.ts';
import { MadeUp } from '../support/faults/made-up-history.ts';

const made = () => new MadeUp({ mode: 'transparent' });
const rules = (history: MadeUp) => check(history.history()).map(({ rule }) => rule);
const taken = () => made().message('m').wrote(0, 'm').acknowledged(100, 'm');
const routed = () => made().message('m').wrote(0, 'm').saw(50, 'm');
/** Of the component: it costs no copy and no receipt. */
const KILLED = { blocks: 'process', process: 'receipts.localhost' } as const;
/** It parts a user from the server. */
const PARTED = { losesNews: true, user: 'bob' } as const;

test('what the gate has proved is told to nobody; a receipt is', () => {
  expect(rules(taken().saw(200, 'm').proved(250, 'm').end(90_000))).toEqual([]);
  expect(rules(taken().saw(200, 'm').end(90_000))).toEqual(['untold']);
  expect(rules(taken().saw(200, 'm').proved(250, 'm').confirmed(300, 'm').end(90_000))).toEqual(['untold']);
  // It may have died with his connection.
  const parted = taken().saw(200, 'm').proved(250, 'm').confirmed(300, 'm').fault(310, 900, PARTED);
  expect(rules(parted.end(90_000))).toEqual([]);
});

test('false proof: of a client that was not given it before', () => {
  expect(rules(taken().saw(200, 'm').proved(150, 'm').end(90_000))).toEqual(['false proof']);
  expect(rules(taken().saw(200, 'm').proved(250, 'm', 'bob/desk').end(90_000))).toEqual(['false proof']);
});

test('lost: proved, and nobody was given it', () => {
  expect(rules(taken().proved(250, 'm').end(90_000)).sort()).toEqual(['false proof', 'lost']);
});

test('not passed: neither taken nor delivered, refused or not, unless a user was parted from the server', () => {
  const written = () => made().message('m').wrote(0, 'm');
  expect(rules(written().end(90_000))).toEqual(['not passed']);
  expect(rules(written().fault(0, 5000, KILLED).end(90_000))).toEqual(['not passed']);
  expect(rules(written().notified(100, 'm', 'refused').end(90_000))).toEqual(['not passed']);
  expect(rules(written().notified(100, 'm', 'failed').end(90_000))).toEqual([]);
  expect(rules(written().fault(100, 5000, PARTED).end(90_000))).toEqual([]);
  // The gate had let it go after 3 s, and his client had not read it yet when it reset its connection.
  expect(rules(written().fault(5500, 6000, PARTED).end(90_000))).toEqual([]);
  expect(rules(written().fault(8500, 9000, PARTED).end(90_000))).toEqual(['not passed']);
  expect(rules(routed().end(90_000))).toEqual([]);
});

test('paused: held for longer than the timeout', () => {
  const later = (at: number) => made().message('m').wrote(0, 'm').saw(at, 'm');
  expect(rules(later(12_000).end(90_000))).toEqual([]);
  expect(rules(later(14_000).end(90_000))).toEqual(['paused']);
  expect(rules(later(14_000).fault(0, 13_000, KILLED).end(90_000))).toEqual(['paused']);
  expect(rules(later(14_000).fault(0, 13_000, PARTED).end(90_000))).toEqual([]);
});

test('copies: none for a fault of the component’s, one for each that parts the recipient, one for each time it was written', () => {
  const twice = () => routed().saw(300, 'm');
  expect(rules(twice().fault(60, 250, KILLED).end(90_000))).toEqual(['copies']);
  expect(rules(twice().fault(60, 250, PARTED).end(90_000))).toEqual([]);
  expect(rules(twice().wrote(250, 'm').end(90_000))).toEqual([]);
});

test('rewritten: the same of what the component has written', () => {
  const twice = () => taken().saw(200, 'm').copied(3000, 'm').confirmed(3100, 'm').notified(3200, 'm', 'delivered');
  expect(rules(twice().fault(250, 2900, KILLED).end(90_000))).toEqual(['rewritten']);
  expect(rules(twice().fault(250, 2900, PARTED).end(90_000))).toEqual([]);
});

test('after told: whatever has befallen his session, a receipt that was handled counts', () => {
  const again = () => taken().saw(200, 'm').confirmed(300, 'm').notified(340, 'm', 'delivered').copied(3000, 'm');
  const alone = (history: MadeUp) => rules(history.end(90_000)).filter((rule) => rule === 'after told');
  expect(alone(again().fault(310, 2900, PARTED))).toEqual(['after told']);
  expect(alone(again().fault(310, 2900, KILLED))).toEqual(['after told']);
});

test('copies: one where all ends just when the receipt has come, which the component may have kept nothing of', () => {
  const ENDED = { blocks: 'link', losesNews: true } as const;
  const again = () =>
    taken().saw(200, 'm').confirmed(300, 'm').notified(310, 'm', 'delivered').copied(9000, 'm').saw(9010, 'm');
  expect(rules(again().fault(312, 2900, ENDED).end(90_000))).toEqual([]);
  expect(rules(again().fault(1400, 2900, ENDED).end(90_000)).sort()).toEqual(['after told', 'copies', 'rewritten']);
});

test('false failure: no fault of the component’s may have cost the receipt', () => {
  const failed = () => taken().saw(200, 'm').confirmed(300, 'm').notified(25_000, 'm', 'unconfirmed');
  expect(rules(failed().fault(100, 20_000, KILLED).end(90_000))).toEqual(['false failure']);
  expect(rules(failed().fault(100, 20_000, PARTED).end(90_000))).toEqual([]);
});

test('what Redis has forgotten with a primary that was lost: a proof, so that it is sent again, and a receipt', () => {
  const LOST = { blocks: 'ledger', forgets: 'endings' } as const;
  const again = () => taken().saw(200, 'm').proved(250, 'm').copied(3000, 'm').saw(3100, 'm').proved(3200, 'm');
  expect(rules(again().fault(220, 2000, LOST).end(90_000))).toEqual([]);
  expect(rules(again().fault(251, 2000, LOST).end(90_000))).toEqual([]);
  expect(rules(again().fault(400, 1900, LOST).end(90_000)).sort()).toEqual(['copies', 'rewritten']);
  const failed = () => taken().saw(200, 'm').confirmed(300, 'm').notified(25_000, 'm', 'unconfirmed');
  expect(rules(failed().fault(220, 2000, LOST).end(90_000))).toEqual([]);
  expect(rules(failed().fault(2000, 2900, LOST).end(90_000))).toEqual(['false failure']);
});

test('order: kept when the component is killed', () => {
  const history = () => made().message('a').message('b').wrote(0, 'a').wrote(10, 'b').saw(500, 'b').saw(600, 'a');
  expect(rules(history().fault(20, 400, KILLED).end(90_000))).toEqual(['order']);
  expect(rules(history().fault(20, 400, PARTED).end(90_000))).toEqual([]);
});

test('what passed unheld and was written again needs no end: the server had delivered it', () => {
  const again = () => routed().wrote(2000, 'm').acknowledged(2100, 'm');
  expect(rules(again().end(90_000))).toEqual([]);
  expect(rules(again().notified(80_000, 'm', 'unconfirmed', true).end(90_000))).toEqual([]);
  expect(rules(again().confirmed(60, 'm').end(90_000))).toEqual(['untold']);
});

test('ready: who is shown messages and acknowledges none is not; what passes unheld is no question to him', () => {
  const ready = (history: MadeUp) => {
    for (let at = 1000; at <= 29_000; at += 1000) history.polled(at, {});
    return rules(history.fault(0, 60_000, { blocks: 'ledger', process: 'p' }).end(90_000)).filter(
      (rule) => rule === 'ready',
    );
  };
  const two = () => made().message('a').message('b').wrote(0, 'a').saw(50, 'a').wrote(20_000, 'b').saw(20_050, 'b');
  expect(ready(two())).toEqual([]);
  expect(ready(two().held(10, 'a').held(20_010, 'b'))).toEqual(['ready']);
  expect(ready(two().held(10, 'a').acknowledged(100, 'a').held(20_010, 'b'))).toEqual([]);
});

test('nothing is waited for of a message that is settled', async () => {
  const owed = new Owed();
  owed.note({ kind: 'acknowledged', at: 0, message: 'm', process: 'p' });
  expect(owed.has('m')).toBe(true);
  owed.settled('m');
  owed.note({ kind: 'acknowledged', at: 1, message: 'm', process: 'p' });
  expect(owed.has('m')).toBe(false);
  await owed.nothing(60_000);
  await owed.allTaken(['m'], 60_000);
});

test('what gate and component say to each other, in either’s quotes, several in one stanza', () => {
  const recorder = new Recorder();
  const seen: Partial<Event>[] = [];
  for (const id of ['one', 'two'])
    recorder.message({ id, sender: 'alice', recipient: 'bob', body: `<held n="e-9"><message id="${id}">` });
  recorder.listen(({ at: _, ...event }) => seen.push(event));
  const wire = new GateWire(recorder, 'C');
  const gate = (inside: string) =>
    `<message from='S' to='C'><gate xmlns='urn:openfire-receipts:gate:1'>${inside}</gate></message>`;
  wire.fromGate(gate(`<held n='e-1'><message to='bob@S' id='one' from='alice@S/a'><body>1</body></message></held>`));
  wire.fromGate(
    gate(`<held n="e-2"><message id="two" to="bob@S"/></held><held n='e-3'><message id='receipt'/></held>`),
  );
  wire.toGate(
    `<iq><gate xmlns="urn:openfire-receipts:gate:1"><stored n="e-1"/><drop n="e-3"/><stored n="e-2"/></gate></iq>`,
  );
  wire.fromGate(gate(`<has n='e-1' jid='bob@S/b' session='s' by='sm'/><has n='e-7' jid='bob@S/b' session='s'/>`));
  wire.toGate(
    `<iq><gate xmlns="urn:openfire-receipts:gate:1"><deliver n="e-2" copy="2" to="bob@S/b"><message xmlns="jabber:client" id="two"/></deliver></gate></iq>`,
  );
  wire.toGate('<message id="two"><body>not to the gate</body></message>');
  const held = ['one', 'two'].map((message) => ({ kind: 'held', message, process: 'C' }));
  const proved = { kind: 'proved', message: 'one', device: 'bob@S/b' };
  expect(seen).toEqual([...held, proved, { kind: 'copied', message: 'two', process: 'C' }]);
});

test('scenarios for one mode only are left out of the other, and the page says why', () => {
  const names = (mode: 'subdomain' | 'transparent') => choice(SCENARIOS, { mode }).map(({ name }) => name);
  expect(names('subdomain')).not.toContain('gate-unloaded');
  expect(names('transparent')).toContain('gate-unloaded');
  expect(names('transparent')).not.toContain('mixed-two');
  expect(choice(SCENARIOS, { mode: 'transparent', name: 'mixed' }).map(({ name }) => name)).toEqual(['mixed']);
  expect(document('transparent', SCENARIOS, [])).toContain(
    '- `mixed-two`: Prosody takes one connection of a component\n',
  );
});
