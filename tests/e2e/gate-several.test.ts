// Several processes of the component on one gate: whose a conversation is, who is told what, and what becomes of the others' when
// one hangs, is killed, joins or leaves (rules 9, 10, 14 and 23).

import { createHash, randomUUID } from 'node:crypto';
import xml from '@xmpp/xml';
import type { TestUser } from '../support/clients/test-user.ts';
import type { GateComponent } from '../support/gate/gate-component.ts';
import { deliver, GateStage } from '../support/gate/gate-stage.ts';
import { until } from '../support/time/until.ts';

let stage: GateStage;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
const BOB = 'bob@example.org';
const ALICE_BOB = 'alice@example.org bob@example.org';
const BOB_CAROL = 'bob@example.org carol@example.org';

const weight = (process: string, pair: string) => createHash('sha1').update(`${process} ${pair}`).digest('hex');
const owns = (process: string, other: string, pair: string) => weight(process, pair) > weight(other, pair);

/** Two names of processes, of which the one has what alice and bob write, the other what carol and bob write. */
function names(): [string, string] {
  for (let i = 0; ; i += 1) if (owns(`a${i}`, 'b', ALICE_BOB) && owns('b', `a${i}`, BOB_CAROL)) return [`a${i}`, 'b'];
}
const [OF_ALICE, OF_CAROL] = names();

beforeAll(async () => {
  stage = await GateStage.open({ gate: 'receipts_several = true' });
});
afterAll(() => stage.close());
beforeEach(async () => {
  alice = await stage.user('alice', 'phone');
  bob = await stage.user('bob', 'desk');
  carol = await stage.user('carol', 'web');
});
afterEach(() => stage.empty());

const say = (text: string, from = alice) =>
  from.say(BOB, text, { request: false, extra: [xml('no-store', { xmlns: 'urn:xmpp:hints' })] });
const bodiesOf = (component: GateComponent) =>
  component.events('held').map((event) => event.getChild('message')?.getChildText('body'));
const stored = (...numbers: string[]) => numbers.map((n) => xml('stored', { n }));

async function both(attributes: Record<string, string> = {}): Promise<[GateComponent, GateComponent]> {
  return [
    await stage.hold({ process: OF_ALICE, ...attributes }),
    await stage.hold({ process: OF_CAROL, ...attributes }),
  ];
}

test('process-joins-and-leaves-in-order: a conversation moves only when nothing of it is held', async () => {
  // Alone, it has all conversations.
  const second = await stage.hold({ process: OF_CAROL });
  await say('1');
  const one = await second.held('1');
  const first = await stage.hold({ process: OF_ALICE });
  await say('2');
  await second.command(...stored(await second.held('2')));
  await say('3');
  const three = await second.held('3');
  await second.command(...stored(one));
  await bob.hears('2');
  await second.command(...stored(three));
  await bob.hears('3');
  await say('4');
  await first.command(...stored(await first.held('4')));
  await say('5');
  await first.held('5');
  await first.command(xml('disable'));
  await say('6');
  await second.command(...stored(await second.held('6')));
  await bob.hears('6');
  expect(bob.bodies()).toEqual(['1', '2', '3', '4', '5', '6']);
  expect(bodiesOf(first)).toEqual(['4', '5']);
});

test('one-of-two-hung: only its own messages are let go, and the other process takes over', async () => {
  const first = await stage.hold({ process: OF_ALICE, timeout: '300' });
  const second = await stage.hold({ process: OF_CAROL });
  await say('Of the hung one');
  const hung = await first.held('Of the hung one');
  await say('Of the other', carol);
  const other = await second.held('Of the other');
  await first.event('opened', { why: 'timeout' });
  await bob.hears('Of the hung one');
  // What became of it is told to who is left.
  await second.event('outcome', { n: hung, state: 'passed' });
  await say('Afterwards');
  await second.command(...stored(await second.held('Afterwards')));
  await bob.hears('Afterwards');
  expect(bob.bodies()).toEqual(['Of the hung one', 'Afterwards']);
  await second.command(...stored(other));
  await bob.hears('Of the other');
  expect(second.events('opened')).toEqual([]);
});

test('one-of-two-killed: what it held goes on in order, and what it was told is told to the other', async () => {
  const [first, second] = await both();
  await say('Stored');
  const sent = await first.held('Stored');
  await first.command(...stored(sent));
  await first.event('outcome', { n: sent, state: 'sent' });
  await say('No verdict yet');
  const open = await first.held('No verdict yet');
  await say('Of the other', carol);
  const other = await second.held('Of the other');
  await second.command();
  expect(second.events('outcome')).toEqual([]);
  first.cut();
  await second.event('outcome', { n: sent, state: 'sent' });
  await second.event('outcome', { n: open, state: 'passed' });
  await say('Next');
  await second.command(...stored(await second.held('Next'), other));
  await bob.hears('Next');
  await bob.hears('Of the other');
  expect(bob.bodies()).toEqual(['Stored', 'No verdict yet', 'Next', 'Of the other']);
  // He who comes back is told nothing that the other has.
  const again = await stage.attach();
  const events = await again.enable({ process: OF_ALICE });
  expect(events.filter(({ name }) => name === 'outcome')).toEqual([]);
});

test('who sends a copy of another’s message hears what becomes of it, and of the message, from then on', async () => {
  const [first, second] = await both();
  const tablet = await stage.raw('bob', 'tablet', { sm: true });
  await say('Taken over');
  const n = await first.held('Taken over');
  await first.command(...stored(n));
  await first.event('outcome', { n });
  await second.command(xml('ask', { n }));
  await second.event('outcome', { n, copy: '1', state: 'sent' });
  await tablet.hears('Taken over');
  await tablet.leave();
  await second.event('returned', { n, jid: tablet.jid });
  const to = bob.jid;
  const message = xml(
    'message',
    { xmlns: 'jabber:client', from: alice.jid, to, id: 'again', type: 'chat' },
    xml('body', {}, 'Taken over'),
  );
  await second.command(deliver(n, 2, to, message));
  await second.event('outcome', { n, copy: '2' });
  expect(first.events('returned')).toEqual([]);
  // That it hears nothing more it is told.
  expect(first.events('forgotten').map(({ attrs }) => attrs)).toEqual([{ n, elsewhere: 'true' }]);
  expect(first.events('outcome', { n, copy: '2' })).toEqual([]);
});

test('of what another process has ended, the one that was told of it is told that nothing more comes', async () => {
  const [first, second] = await both();
  await say('Ended elsewhere');
  const n = await first.held('Ended elsewhere');
  await first.command(...stored(n));
  await first.event('outcome', { n });
  await second.command(xml('forget', { n }));
  await first.event('forgotten', { n, elsewhere: 'true' });
  await say('Ended here');
  const own = await first.held('Ended here');
  await first.command(...stored(own));
  await first.event('outcome', { n: own });
  await first.command(xml('forget', { n: own }));
  await second.command();
  expect([...first.events('forgotten', { n: own }), ...second.events('forgotten')]).toEqual([]);
});

test('two-processes-same-counter: a verdict or a token of another process is none', async () => {
  const [first, second] = await both();
  await say('Mine');
  const n = await first.held('Mine');
  await second.command(...stored(n), xml('pass', { n }), xml('drop', { n }));
  const forged = await second.ask(first.token, ...stored(n));
  expect(forged.getChild('error')?.getChild('forbidden')).toBeDefined();
  await say('Behind it');
  const behind = await first.held('Behind it');
  expect(bob.bodies()).toEqual([]);
  await first.command(...stored(n, behind));
  await bob.hears('Behind it');
  expect(bob.bodies()).toEqual(['Mine', 'Behind it']);
});

test('what passed unheld is told to each process, once', async () => {
  await say('Unheld');
  await bob.hears('Unheld');
  const unheldOf = async (component: GateComponent, process: string) => {
    const events = await component.enable({ process });
    return events.filter(({ name }) => name === 'unheld').length;
  };
  const first = await stage.attach();
  const second = await stage.attach();
  expect([await unheldOf(first, OF_ALICE), await unheldOf(second, OF_CAROL)]).toEqual([1, 1]);
  expect([await unheldOf(first, OF_ALICE), await unheldOf(second, OF_CAROL)]).toEqual([0, 0]);
});

test('a receipt for what passed unheld is told to each process: whose the conversation is may end before it is written again', async () => {
  const id = await say('Unheld');
  await bob.hears('Unheld');
  const [first, second] = await both();
  first.verdict = () => 'pass';
  await bob.send(xml('message', { to: alice.jid, type: 'chat' }, xml('received', { xmlns: 'urn:xmpp:receipts', id })));
  for (const process of [first, second]) await process.event('unheld', { id, confirmed: bob.jid });
});

test('each process is told the mark of the ledger that one has said last, and how long ago', async () => {
  const first = await stage.hold({ process: OF_ALICE });
  const enabled = async () => {
    const answer = await first.ask('', xml('enable', { version: '1', process: OF_ALICE }));
    return answer.getChild('gate')?.getChild('enabled')?.attrs ?? {};
  };
  const before = Date.now();
  await first.command(xml('renew', { ledger: 'L 5' }), xml('renew', { ledger: 'L 7' }), xml('renew'));
  await first.command(xml('renew', { ledger: 'L'.repeat(201) }));
  await until(() => Date.now() - before > 300, { what: 'a while' });
  await first.command(xml('renew', { ledger: 'L 7' }));
  const { ledger, 'ledger-age': age } = await enabled();
  expect(ledger).toBe('L 7');
  expect(age).toMatch(/^\d+$/);
  expect(Number(age)).toBeGreaterThan(200);
});

test('a process that comes anew before its old connection is seen to end takes its own place', async () => {
  const [first, second] = await both();
  await say('Held by the old one');
  await first.held('Held by the old one');
  const again = await stage.hold({ process: OF_ALICE });
  await bob.hears('Held by the old one');
  await say('Held anew');
  await again.command(...stored(await again.held('Held anew')));
  await bob.hears('Held anew');
  expect(second.events('held')).toEqual([]);
});

test('an answer goes to the connection that asked, and what one sender writes to the domain to one of them, in order', async () => {
  const [first, second] = await both();
  const tablet = await stage.raw('bob', 'tablet');
  tablet.listen((el) => {
    if (el.attrs.type === 'get') void tablet.answer(el);
  });
  for (const component of [first, second, first, second]) {
    const query = xml('query', { xmlns: 'jabber:iq:version' });
    const answer = await component.iq(
      xml('iq', { type: 'get', from: stage.component, to: tablet.jid, id: randomUUID() }, query),
    );
    expect(answer.attrs.from).toBe(tablet.jid);
  }
  const texts = ['a', 'b', 'c', 'd'];
  for (const text of texts) await alice.say(`someone@${stage.component}`, text, { request: false });
  await alice.asks(stage.domain, xml('ping', { xmlns: 'urn:xmpp:ping' }));
  await Promise.all([first.command(), second.command()]);
  const heard = [first, second].map((component) =>
    component.received.filter(({ name }) => name === 'message').map((el) => el.getChildText('body')),
  );
  expect(heard).toContainEqual(texts);
  first.cut();
  await alice.say(`someone@${stage.component}`, 'To who is left', { request: false });
  await second.hears((el) => el.getChildText('body') === 'To who is left');
});
