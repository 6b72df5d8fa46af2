// The lease of a gate, on a link that only shows what is written.

import { GateLease } from '../../src/gate/lease.ts';
import type { LeaseListener, LedgerMark } from '../../src/gate/lease-options.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const { jest } = import.meta;

const NS = 'urn:openfire-receipts:gate:1';
const silent = { info: (_: unknown, __?: string) => {}, warn: (_: unknown, __?: string) => {} };

function open(log = silent, ledger?: LedgerMark) {
  const written: { xml: string; done: boolean }[] = [];
  const heard: string[] = [];
  const asked: number[] = [];
  const listener: LeaseListener = {
    enabled: ({ epoch }) => heard.push(`enabled ${epoch}`),
    asked: () => asked.push(heard.length),
    event: ({ kind }) => heard.push(kind),
    lost: (why) => heard.push(`lost: ${why}`),
  };
  const link = {
    send(xml: string) {
      const held = { xml, done: false };
      written.push(held);
      return held;
    },
  };
  const lease = new GateLease({ link, componentDomain: 'c.s', servedDomain: 's', listener, log, ledger });
  const answer = (children: string, { type = 'result', from = 's', to = written.at(-1)?.xml } = {}) =>
    lease.take(parseStanza(`<iq type="${type}" from="${from}" to="c.s" id="${idOf(to)}">${children}</iq>`));
  const granted = (token = 'T', { more = '', to = written.at(-1)?.xml } = {}) =>
    answer(
      `<gate xmlns="${NS}"><enabled version="1" token="${token}" epoch="E" timeout="3000" lease="10000"${more}/></gate>`,
      { to },
    );
  const tells = (children: string, token = 'T', from = 's') =>
    lease.take(
      parseStanza(`<message from="${from}" to="c.s"><gate xmlns="${NS}" token="${token}">${children}</gate></message>`),
    );
  const last = () => written.at(-1)?.xml ?? '';
  const requests = () => written.flatMap(({ xml }) => (xml.includes('<enable ') ? [xml] : []));
  return { lease, written, heard, asked, requests, answer, granted, tells, last };
}

const idOf = (xml = '') => /id="([^"]*)"/.exec(xml)?.[1];

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('the commands of a turn go in one request with the token, and each learns what became of it', async () => {
  const { lease, written, granted, answer, last, heard } = open();
  const outcomes: unknown[] = [];
  lease.command('ask', 'e-0', '<ask n="e-0"/>', (outcome) => outcomes.push(outcome));
  expect(outcomes).toEqual(['lost']);
  lease.online();
  expect(last()).toContain('<enable version="1"');
  granted();
  expect(heard).toEqual(['enabled E']);
  lease.command('stored', 'e-1', '<stored n="e-1"/>');
  lease.command('deliver', 'e-2', '<deliver n="e-2"/>', (outcome) => outcomes.push(outcome));
  lease.command('ask', 'e-3', '<ask n="e-3"/>', (outcome) => outcomes.push(outcome));
  await turn();
  expect(written).toHaveLength(2);
  expect(last()).toContain(`<gate xmlns="${NS}" token="T"><stored n="e-1"/><deliver n="e-2"/><ask n="e-3"/></gate>`);
  answer(`<gate xmlns="${NS}" token="T"><failed command="deliver" n="e-2" reason="no-session"/></gate>`);
  expect(outcomes.slice(1)).toEqual([{ command: 'deliver', n: 'e-2', reason: 'no-session' }, 'done']);
  lease.close();
});

test('what nobody waits for goes with the next command, in its order, and by itself where none follows', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask'] });
  const { lease, written, granted, last } = open();
  try {
    lease.commandLater('forget', 'e-0', '<forget n="e-0"/>');
    lease.online();
    granted();
    lease.commandLater('forget', 'e-1', '<forget n="e-1"/>');
    await turn();
    expect(written).toHaveLength(1);
    lease.command('stored', 'e-2', '<stored n="e-2"/>');
    await turn();
    expect(last()).toContain('token="T"><forget n="e-1"/><stored n="e-2"/></gate>');
    lease.commandLater('forget', 'e-3', '<forget n="e-3"/>');
    jest.advanceTimersByTime(1000);
    expect(last()).toContain('token="T"><forget n="e-3"/></gate>');
    // As many as one request takes.
    for (let i = 0; i < 200; i += 1) lease.commandLater('forget', `f-${i}`, `<forget n="f-${i}"/>`);
    await turn();
    expect(last()).toContain('<forget n="f-199"/></gate>');
    lease.commandLater('forget', 'e-4', '<forget n="e-4"/>');
    lease.close();
    expect(last()).toContain('token="T"><forget n="e-4"/><disable/></gate>');
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});

test('nobody but the gate is listened to', () => {
  const { lease, granted, answer, tells, heard } = open();
  lease.online();
  // Another's answer, and one to nothing that is pending.
  expect(answer(`<gate xmlns="${NS}"><enabled token="X" epoch="X"/></gate>`, { from: 'mallory@s' })).toBe(true);
  expect(answer('', { to: '<iq id="guessed"/>' })).toBe(false);
  granted();
  expect(tells('<has n="e-1" jid="b@s/1" session="S"/>', 'guessed')).toBe(true);
  expect(tells('<has n="e-1" jid="b@s/1" session="S"/>', 'T', 'mallory@s/1')).toBe(true);
  expect(tells('<has n="e-1" jid="b@s/1" session="S"/>')).toBe(true);
  expect(heard).toEqual(['enabled E', 'has']);
  lease.close();
});

test('what the link has not written when it goes down is not written to the next lease', async () => {
  const { lease, written, granted, heard, last } = open();
  lease.online();
  granted();
  const outcomes: unknown[] = [];
  lease.command('tell', '', '<tell/>', (outcome) => outcomes.push(outcome));
  await turn();
  lease.offline();
  expect([outcomes, written.at(-1)?.done]).toEqual([['lost'], true]);
  expect(heard.at(-1)).toBe('lost: the link is down');
  lease.online();
  expect(last()).toContain('<enable ');
  lease.close();
});

test('a stop gives it back, and is no fault', () => {
  const said: unknown[] = [];
  const { lease, granted, heard, last } = open({
    info: (fields, text) => said.push(['info', fields, text]),
    warn: (fields, text) => said.push(['warn', fields, text]),
  });
  lease.online();
  granted();
  lease.close();
  lease.close();
  expect(last()).toContain('token="T"><disable/></gate>');
  expect(heard).toEqual(['enabled E', 'lost: this process stops']);
  expect(said.slice(1)).toEqual([['info', { why: 'this process stops' }, 'The gate holds no messages for us now']]);
});

test('while nothing can be stored it is disabled at once, and asked for again afterwards', async () => {
  const { lease, written, granted, heard, last } = open();
  lease.online();
  granted();
  lease.want(false);
  expect(last()).toContain('token="T"><disable/></gate>');
  expect(written.at(-1)?.done).toBe(false);
  expect([lease.isUp, heard.at(-1)]).toEqual([false, 'lost: messages cannot be stored']);
  lease.want(true);
  expect(last()).toContain('<enable ');
  lease.close();
});

test('a server without a gate is named, and a gate that has opened is asked again', () => {
  const { lease, answer, granted, tells, heard } = open();
  lease.online();
  answer('<error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>', {
    type: 'error',
  });
  expect(lease.state).toEqual({ state: 'refused', why: 'service-unavailable' });
  lease.offline();
  lease.online();
  granted();
  tells('<opened why="timeout" held="3"/><ready/>');
  expect(heard).toEqual(['enabled E', 'opened', 'lost: the gate has opened: timeout']);
  expect(lease.isUp).toBe(false);
  lease.close();
});

describe('the mark of the ledger', () => {
  /** Comparisons end when the test says so. */
  function marked() {
    const compared: string[] = [];
    const ages: number[] = [];
    let end = (_isDone: boolean) => {};
    const ledger = {
      mark: 'L 5',
      compare(mark: string, age: number) {
        compared.push(mark);
        ages.push(age);
        return new Promise<boolean>((resolve) => {
          end = resolve;
        });
      },
    };
    return { ...open(silent, ledger), ledger, compared, ages, end: (isDone = true) => end(isDone) };
  }

  test('what the gate knows of it is compared before anything that it tells is taken, once; then it is told what it is', async () => {
    const { lease, heard, asked, granted, tells, last, compared, end } = marked();
    lease.online();
    granted('T', { more: ' ledger="L 900"' });
    tells('<session jid="b@s/1" id="S" state="available"/>');
    tells('<ready/>');
    await turn();
    expect([compared, heard, asked, lease.isUp]).toEqual([['L 900'], [], [], false]);
    end();
    await turn();
    expect([heard, asked]).toEqual([['enabled E', 'session', 'ready'], [0]]);
    expect(last()).toContain('token="T"><renew ledger="L 5"/></gate>');
    lease.offline();
    lease.online();
    granted('U', { more: ' ledger="L 901"' });
    expect([compared.length, lease.isUp]).toEqual([1, true]);
    lease.close();
  });

  test('a lease that is lost while it is compared does not begin', async () => {
    const { lease, heard, granted, compared, end } = marked();
    lease.online();
    granted('T', { more: ' ledger="L 900"' });
    lease.offline();
    end();
    await turn();
    expect([heard, lease.isUp]).toEqual([[], false]);
    lease.online();
    granted('U', { more: ' ledger="L 900"' });
    expect(compared).toHaveLength(2);
    end();
    await turn();
    expect(heard).toEqual(['enabled E']);
    lease.close();
  });

  test('while Redis does not answer nothing is taken of what the gate tells: the lease is given back', async () => {
    const { lease, heard, asked, granted, tells, last, ages, end } = marked();
    lease.online();
    granted('T', { more: ' ledger="L 900" ledger-age="70000"' });
    tells('<session jid="b@s/1" id="S" state="available"/>');
    end(false);
    await turn();
    expect([heard, asked, lease.isUp, ages]).toEqual([[], [], false, [70_000]]);
    expect(last()).toContain('token="T"><disable/></gate>');
    expect(lease.state).toEqual({ state: 'ended', why: 'Redis does not answer' });
    lease.close();
  });

  test('one that is granted is not asked for again while it is compared, and given back when nothing can be stored any more', async () => {
    const { lease, heard, granted, last, requests, end } = marked();
    lease.online();
    granted('T', { more: ' ledger="L 900"' });
    lease.online();
    expect(requests()).toHaveLength(1);
    lease.want(false);
    expect(last()).toContain('token="T"><disable/></gate>');
    end();
    await turn();
    expect([heard, lease.isUp]).toEqual([[], false]);
    lease.close();
  });

  test('a gate that knows none is told it all the same, and so is one that takes us later', async () => {
    const { lease, heard, asked, answer, granted, last, ledger } = marked();
    lease.online();
    answer('<error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>', {
      type: 'error',
    });
    expect(asked).toEqual([0]);
    lease.offline();
    ledger.mark = 'L 6';
    lease.online();
    granted();
    await turn();
    expect(heard).toEqual(['enabled E']);
    expect(last()).toContain('<renew ledger="L 6"/>');
    lease.close();
  });
});

describe('a slow server', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('an answer that comes late counts, and the gate is not asked again', () => {
    const { lease, granted, tells, heard, requests } = open();
    lease.online();
    jest.advanceTimersByTime(16_000);
    expect(lease.state).toEqual({ state: 'refused', why: 'nothing answers' });
    granted();
    expect([lease.isUp, lease.downSince]).toEqual([true, undefined]);
    tells('<has n="e-1" jid="b@s/1" session="S"/><ready/>');
    jest.advanceTimersByTime(14_000);
    expect(requests()).toHaveLength(1);
    expect(heard).toEqual(['enabled E', 'has', 'ready']);
    lease.close();
  });

  test('when it was asked again meanwhile, each answer takes the place of the one before', async () => {
    const { lease, granted, tells, heard, requests, last } = open();
    lease.online();
    jest.advanceTimersByTime(21_000);
    const [first, second] = requests();
    granted('T1', { to: first });
    tells('<has n="e-1" jid="b@s/1" session="S"/>', 'T1');
    granted('T2', { to: second });
    tells('<returned n="e-1" jid="b@s/1" session="S"/>', 'T1');
    tells('<ready/>', 'T2');
    expect(heard).toEqual(['enabled E', 'has', 'lost: the gate has answered a later request', 'enabled E', 'ready']);
    lease.command('stored', 'e-1', '<stored n="e-1"/>');
    await Promise.resolve();
    expect(last()).toContain('token="T2"');
    // The first, which the stream would have brought before.
    expect(granted('T3', { to: first })).toBe(true);
    expect(heard).toHaveLength(5);
    lease.close();
  });

  test('silent, it is asked ever more seldom: each time it tells all that it remembers; after a reconnect as at first', () => {
    const { lease, requests } = open();
    lease.online();
    jest.advanceTimersByTime(600_000);
    expect(requests()).toHaveLength(7);
    lease.offline();
    lease.online();
    jest.advanceTimersByTime(21_000);
    expect(requests()).toHaveLength(9);
    lease.close();
  });

  test('while it tells what it remembers, answers wait behind that; silent for longer than an answer may take, it is asked again', async () => {
    const { lease, answer, granted, tells, heard, requests, written } = open();
    lease.online();
    granted();
    for (let i = 0; i < 30; i += 1) {
      jest.advanceTimersByTime(1000);
      await Promise.resolve();
      tells('<has n="e-1" jid="b@s/1" session="S"/>');
    }
    expect(lease.isUp).toBe(true);
    tells('<ready/>');
    for (const { xml } of written) if (!xml.includes('<enable ')) answer(`<gate xmlns="${NS}"/>`, { to: xml });
    for (let i = 0; i < 25; i += 1) {
      jest.advanceTimersByTime(1000);
      await Promise.resolve();
      tells('<has n="e-1" jid="b@s/1" session="S"/>');
    }
    expect(heard.at(-1)).toBe('lost: the gate does not answer');
    expect(requests()).toHaveLength(2);
    lease.close();
  });

  test('what it grants when nothing can be stored any more is given back', () => {
    const { lease, granted, heard, last, requests } = open();
    lease.online();
    lease.want(false);
    granted('T1');
    expect(last()).toContain('token="T1"><disable/></gate>');
    expect([heard, lease.state]).toEqual([[], { state: 'off' }]);
    lease.want(true);
    expect(requests()).toHaveLength(2);
    lease.want(false);
    lease.want(true);
    // That is still to be answered.
    expect(requests()).toHaveLength(2);
    granted('T2');
    expect(lease.isUp).toBe(true);
    lease.close();
  });
});
