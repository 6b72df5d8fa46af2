import { Writable } from 'node:stream';
import { createLog } from '../../src/util/log.ts';
import { openMessageTrace } from '../../src/util/message-trace.ts';

function open(level: 'info' | 'debug' | 'trace', bodies = false) {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { trace: openMessageTrace(createLog(level, { destination }), { bodies }), lines };
}

const MESSAGE = {
  key: 'k1',
  sender: 'alice@example.org',
  recipient: 'bob@example.org',
  wireId: 'w1',
  senderId: 's1',
  attempt: 2,
  inner: '<body>the old mill</body>',
};

test('above the level debug there is none, so that nothing is made for it', () => {
  expect(open('info').trace).toBeUndefined();
});

test('a line has both ids, both users, the record, what was decided and why; and not the body', () => {
  const { trace, lines } = open('debug');
  trace?.('redelivered', MESSAGE, { why: 'evidence: session-ended', session: 'bob@example.org/phone', due: 0 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: 'debug',
    id: 's1',
    wireId: 'w1',
    from: 'alice@example.org',
    to: 'bob@example.org',
    attempt: 2,
    session: 'bob@example.org/phone',
    due: '1970-01-01T00:00:00.000Z',
    why: 'evidence: session-ended',
    key: 'k1',
    msg: 'Message redelivered',
  });
  expect(JSON.stringify(lines)).not.toContain('old mill');
});

test('what is not known is not there', () => {
  const { trace, lines } = open('debug');
  trace?.('redelivery skipped', { key: 'k1' });
  const { level: _, time: __, pid: ___, ...rest } = lines[0] ?? {};
  expect(rest).toEqual({ key: 'k1', msg: 'Message redelivery skipped' });
});

test('the mechanics between two decisions are for the level trace', () => {
  const [debug, trace] = [open('debug'), open('trace')];
  for (const { trace: log } of [debug, trace]) log?.('claimed by a job', MESSAGE, { job: '7' });
  expect(debug.lines).toEqual([]);
  expect(trace.lines).toMatchObject([{ level: 'trace', id: 's1', job: '7', msg: 'Message claimed by a job' }]);
});

test('with LOG_BODIES it has what was written', () => {
  const { trace, lines } = open('debug', true);
  trace?.('accepted', MESSAGE);
  expect(lines).toMatchObject([{ id: 's1', content: '<body>the old mill</body>' }]);
});
