import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { IdSequence } from '../../src/tracing/id-sequence.ts';
import { idsOf, MessageSpans, type MessageSpansOptions } from '../../src/tracing/message-spans.ts';

const MESSAGE = {
  key: 'k1',
  sender: 'alice@example.org',
  recipient: 'bob@example.org',
  wireId: 'w1',
  senderId: 's1',
  attempt: 1,
  inner: '<body>the old mill</body>',
};
const SECRET = 'hush';

let now: number;
let spans: MessageSpans;
let exporter: InMemorySpanExporter;

function open(more: Partial<MessageSpansOptions> = {}): void {
  const ids = new IdSequence();
  exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    idGenerator: ids,
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('test');
  spans = new MessageSpans({ tracer, ids, secret: SECRET, addresses: false, now: () => now, ...more });
}

beforeEach(() => {
  now = 1_000_000;
  open();
});
afterEach(() => spans.close());

const exported = () =>
  exporter.getFinishedSpans().map((span) => ({
    ids: { traceId: span.spanContext().traceId, spanId: span.spanContext().spanId },
    attributes: span.attributes,
    links: span.links.map(({ context: { traceId, spanId } }) => ({ traceId, spanId })),
    events: span.events.map(({ name }) => name),
    status: span.status.code,
  }));

test('a message is one span from its acceptance to what its sender is told, with its steps and no link', () => {
  for (const step of ['accepted', 'acknowledged', 'forwarded', 'handed over', 'confirmed', 'delivered'] as const)
    spans.trace(step, MESSAGE);
  expect(exported()).toEqual([]);
  spans.trace('notified', MESSAGE);
  expect(exported()).toMatchObject([
    {
      ids: idsOf(SECRET, 'k1'),
      attributes: { 'messaging.system': 'xmpp', 'messaging.message.id': 's1', 'xmpp.message.state': 'delivered' },
      links: [],
      events: ['accepted', 'acknowledged', 'forwarded', 'handed over', 'confirmed', 'delivered', 'notified'],
      status: 0,
    },
  ]);
  expect(spans.size).toBe(0);
});

test('a redelivery while the span is open is a step of it', () => {
  for (const step of ['accepted', 'redelivered', 'delivered', 'notified'] as const) spans.trace(step, MESSAGE);
  expect(exported()).toMatchObject([{ events: ['accepted', 'redelivered', 'delivered', 'notified'] }]);
});

test('a span in which nothing happens ends, and a redelivery is another of the same trace, linked to the first', () => {
  spans.trace('accepted', MESSAGE);
  now += 59_999;
  spans.endIdle();
  expect(exported()).toEqual([]);
  now += 1;
  spans.endIdle();
  expect(exported()).toMatchObject([{ events: ['accepted', 'left open'] }]);
  spans.trace('redelivered', { ...MESSAGE, attempt: 2 });
  spans.trace('expired', MESSAGE);
  now += 5_000;
  spans.endIdle();
  const [first, second] = exported();
  expect(second).toMatchObject({ links: [first?.ids], events: ['redelivered', 'expired'], status: 2 });
  expect(second?.ids.traceId).toBe(first?.ids.traceId);
  expect(second?.ids.spanId).not.toBe(first?.ids.spanId);
});

test('another process links to a span that it has never seen', () => {
  spans.trace('accepted', MESSAGE);
  spans.close();
  const [first] = exported();
  open();
  spans.trace('claimed by a job', MESSAGE);
  spans.close();
  expect(exported()).toMatchObject([{ links: [first?.ids], events: ['claimed by a job', 'left open'] }]);
});

test('what was sent again after its end is a life of its own', () => {
  for (const step of ['accepted', 'expired', 'redelivered'] as const) spans.trace(step, MESSAGE);
  expect(exported()).toMatchObject([{ events: ['accepted', 'expired'] }]);
  spans.close();
  expect(exported()[1]).toMatchObject({ links: [exported()[0]?.ids], events: ['redelivered', 'left open'] });
});

test('no more than so many are open: the one without a step for the longest time ends', () => {
  open({ mostOpen: 2 });
  spans.trace('accepted', { ...MESSAGE, key: 'k1' });
  spans.trace('accepted', { ...MESSAGE, key: 'k2' });
  spans.trace('acknowledged', { ...MESSAGE, key: 'k1' });
  spans.trace('accepted', { ...MESSAGE, key: 'k3' });
  expect(spans.size).toBe(2);
  expect(exported()).toMatchObject([{ ids: idsOf(SECRET, 'k2'), events: ['accepted', 'left open'] }]);
});

test('what merely mentions a message begins no span', () => {
  for (const step of ['duplicate', 'refused', 'notification handed over', 'receipt ignored'] as const)
    spans.trace(step, MESSAGE);
  expect(spans.size).toBe(0);
});

function shown(more: Partial<MessageSpansOptions>) {
  open(more);
  spans.trace('accepted', MESSAGE);
  const session = 'bob@example.org/phone';
  spans.trace('passed over', MESSAGE, { why: 'has confirmed a later message of alice@example.org', session });
  spans.trace('redelivery skipped', MESSAGE, { why: 'first these sessions are asked: phone, desk' });
  spans.close();
  // Without the times, which are those of the test.
  const told = exporter.getFinishedSpans().map(({ attributes, events }) => ({
    attributes,
    events: events.map(({ name, attributes: about }) => ({ name, about })),
  }));
  return JSON.stringify(told);
}

test('addresses, resources and keys are shown only if that is allowed, and bodies never', () => {
  const [hidden, open] = [shown({ addresses: false }), shown({ addresses: true })];
  for (const word of ['alice', 'bob', 'phone', 'k1']) {
    expect(hidden).not.toContain(word);
    expect(open).toContain(word);
  }
  expect(hidden).toContain('first these sessions are asked');
  for (const text of [hidden, open]) expect(text).not.toContain('old mill');
});

test('digests and ids need the secret', () => {
  expect(shown({ secret: 'hush' })).toBe(shown({ secret: 'hush' }));
  expect(shown({ secret: 'hush' })).not.toBe(shown({ secret: 'other' }));
  expect(idsOf('hush', 'k1')).not.toEqual(idsOf('other', 'k1'));
});
