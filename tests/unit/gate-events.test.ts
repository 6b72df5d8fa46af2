// What a gate and the component say to each other: docs/gate-protocol.md.

import { deliver, enable, request, tell, verdict } from '../../src/gate/commands.ts';
import { gateIn, readEnabled, readEvents, readFailed } from '../../src/gate/events.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const NS = 'urn:openfire-receipts:gate:1';
const gate = (children: string, ns = NS) =>
  gateIn(parseStanza(`<message><gate xmlns="${ns}">${children}</gate></message>`));
const events = (children: string) => [...readEvents(gate(children) as NonNullable<ReturnType<typeof gate>>)];

test('commands are written as the protocol has them', () => {
  expect(request('i', 'c', 's', verdict('stored', 'e-1'), 't')).toBe(
    `<iq type="set" id="i" from="c" to="s"><gate xmlns="${NS}" token="t"><stored n="e-1"/></gate></iq>`,
  );
  expect(enable({ process: 'p', timeout: 3000, lease: 10_000 })).toBe(
    '<enable version="1" process="p" timeout="3000" lease="10000" receipts="routed"/>',
  );
  expect(enable({ process: 'p', timeout: 3000, lease: 10_000, acks: 'replicas:1' })).toBe(
    '<enable version="1" process="p" timeout="3000" lease="10000" receipts="routed" acks="replicas:1"/>',
  );
  expect(verdict('stored', 'e-1', true)).toBe('<stored n="e-1" ack="true"/>');
  // Its children inherit the namespace of a client's stream: none is put into another.
  const message = '<message from="a@s/1" to="b@s/2" id="m"><body>x</body></message>';
  const inside = '<message xmlns="jabber:client" from="a@s/1" to="b@s/2" id="m"><body>x</body></message>';
  expect(deliver('e-1', 2, 'b@s/"2', message)).toBe(`<deliver n="e-1" copy="2" to="b@s/&quot;2">${inside}</deliver>`);
  expect(tell(message)).toBe(`<tell>${inside}</tell>`);
});

test('events are read', () => {
  const [held, outcome, has, session, unheld, deleted, ready, ...forgotten] = events(
    '<held n="e-1"><message xmlns="jabber:client" from="a@s/1"><body>x</body></message></held>' +
      '<outcome n="e-1" copy="2" state="sent offline"><session jid="b@s/1" id="S"/><missed jid="b@s/2" id="M"/></outcome>' +
      '<has n="e-1" jid="b@s/1" session="S" by="sm"/>' +
      '<session jid="b@s/1" id="S" state="available" priority="-3" sm="true"/>' +
      '<unheld from="a@s/1" to="b@s" id="m" ago="7"><session id="S"/></unheld><deleted jid="b@s" ago="5"/><ready/>' +
      '<forgotten n="e-2"/><forgotten n="e-3" elsewhere="true"/>',
  );
  expect(held).toMatchObject({ kind: 'held', n: 'e-1' });
  expect(outcome).toMatchObject({
    copy: 2,
    states: new Set(['sent', 'offline']),
    sessions: [{ jid: 'b@s/1', id: 'S' }],
    missed: ['M'],
  });
  expect(has).toEqual({ kind: 'has', n: 'e-1', session: { jid: 'b@s/1', id: 'S' }, receipt: undefined });
  expect(session).toMatchObject({ state: 'available', priority: -3 });
  expect(unheld).toEqual({ kind: 'unheld', from: 'a@s/1', to: 'b@s', id: 'm', sessions: ['S'], ago: 7 });
  expect(deleted).toEqual({ kind: 'deleted', jid: 'b@s', ago: 5 });
  expect(ready).toEqual({ kind: 'ready' });
  expect(forgotten).toEqual([
    { kind: 'forgotten', n: 'e-2', elsewhere: false },
    { kind: 'forgotten', n: 'e-3', elsewhere: true },
  ]);
});

test('a client has ended its session in order if its gate says so of one that is gone', () => {
  const session = (attributes: string) => `<session jid="b@s/1" id="S" ${attributes}/>`;
  expect(
    events(
      session('state="gone" graceful="true"') +
        session('state="gone" graceful="false"') +
        session('state="gone"') +
        session('state="detached" graceful="true"'),
    ),
  ).toMatchObject([true, false, false, false].map((graceful) => ({ kind: 'session', graceful })));
});

test('what is unknown, or has no sense, is left out; a state that is not known is nothing seen', () => {
  expect(
    events('<new/><deleted/><held n="bad number"/><has n="e-1"/><session jid="b@s/1" id="S" state="asleep"/>'),
  ).toEqual([]);
  // One that could not be read.
  expect(events('<held n="e-1"/>')).toEqual([{ kind: 'held', n: 'e-1', message: undefined }]);
  expect(events('<outcome n="e-1" state="teleported"/>')).toMatchObject([{ states: new Set(['unknown']), copy: 1 }]);
  expect(gate('', 'urn:openfire-receipts:gate:2')).toBeUndefined();
});

test('an answer to enable needs a token and an epoch', () => {
  const answer = (text: string) => readEnabled(gate(text) as NonNullable<ReturnType<typeof gate>>);
  expect(answer('<enabled version="1" token="T" epoch="E" timeout="2000" lease="x"/>')).toMatchObject({
    token: 'T',
    timeout: 2000,
    lease: 10_000,
  });
  expect(answer('<enabled version="1" epoch="E"/>')).toBeUndefined();
  expect(readFailed(gate('<failed command="deliver" n="e-1" reason="no-session"/>') as never)).toEqual([
    { command: 'deliver', n: 'e-1', reason: 'no-session' },
  ]);
});
