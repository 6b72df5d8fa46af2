import { Writable } from 'node:stream';
import { createLog, type LogOptions } from '../../src/util/log.ts';

function logTo(options: LogOptions = {}, level: Parameters<typeof createLog>[0] = 'info') {
  let text = '';
  const destination = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  return { log: createLog(level, { destination, ...options }), text: () => text };
}

test('one JSON object a line, with the level as a word', () => {
  const { log, text } = logTo();
  log.info({ from: 'alice@example.org', id: 'm-1' }, 'Redelivering');
  log.debug({}, 'Not shown');
  expect(text().trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(text())).toMatchObject({
    level: 'info',
    from: 'alice@example.org',
    id: 'm-1',
    msg: 'Redelivering',
  });
});

test('silence', () => {
  const { log, text } = logTo({}, 'silent');
  log.fatal({}, 'Nobody hears');
  expect(text()).toBe('');
});

test('secrets are not printed', () => {
  const { log, text } = logTo();
  log.info({ password: 'hush', xmpp: { componentSecret: 'hush' }, config: { http: { password: 'hush' } } }, 'Settings');
  expect(text()).not.toContain('hush');
  expect(text()).toContain('[redacted]');
});

test.each([true, false])('of an error only what is harmless (pretty: %s)', (pretty) => {
  const { log, text } = logTo({ pretty });
  const message = "ERR unknown command 'EVALSHA', with args beginning with: 'Meet me at the mill'";
  const err = Object.assign(new Error(message, { cause: new Error('deeper') }), {
    code: 'EFAULT',
    command: { name: 'evalsha', args: ['Meet me at the mill'] },
  });
  log.warn({ err }, 'Redis');
  expect(text()).not.toContain('mill');
  for (const part of ['EVALSHA', 'EFAULT', 'deeper', 'log.test']) expect(text()).toContain(part);
});

test('an error of several says what each said', () => {
  const { log, text } = logTo();
  log.warn({ err: new AggregateError([new Error('no route'), new Error('refused')]) }, 'Connecting');
  expect(JSON.parse(text()).err.message).toBe('no route; refused');
});

test('what was thrown without being an error', () => {
  const { log, text } = logTo();
  log.warn({ err: 'boom' }, 'Odd');
  log.warn({ err: { body: 'Meet me' } }, 'Odder');
  expect(text()).toContain('boom');
  expect(text()).not.toContain('Meet me');
});

test('for people: a time, a level, the message', () => {
  const { log, text } = logTo({ pretty: true });
  log.info({ id: 'm-1' }, 'Redelivering');
  expect(text()).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: Redelivering \{"id":"m-1"\}\n$/);
});
