// Each ending does what message-state.ts says that it owes, and that once.
import { Endings } from '../../src/delivery/endings.ts';
import { ENDINGS, type Ending } from '../../src/delivery/message-state.ts';
import type { StoredRecord } from '../../src/store/contract.ts';

const record: StoredRecord = {
  key: 'key',
  target: undefined,
  state: 'pending',
  attempt: 2,
  copies: 1,
  copyOut: true,
  bounced: false,
  senderAway: false,
  sender: 'alice@example.org',
  senderResource: 'phone',
  recipient: 'bob@example.org',
  recipientResource: '',
  wireId: 'm-1',
  senderId: 'm-1',
  owesReceipt: true,
  type: 'chat',
  otherAttributes: '',
  inner: '',
  firstStoredAt: 1000,
  storedAt: 1000,
  settledAt: 1250,
  receiptResource: '',
  condition: undefined,
  conditionType: undefined,
  conditionText: undefined,
};

function open(takesBatches = new Set<string>()) {
  const done: string[] = [];
  const counts = { delivered: 0, lateReceipts: 0, rejected: 0, expired: 0, unconfirmed: 0 };
  const call =
    (name: string) =>
    ({ key, attempt }: StoredRecord) => {
      done.push(`${name} ${key} ${attempt}`);
    };
  const endings = new Endings({
    pipeline: { push: ({ request }) => void done.push(`push ${Object.values(request ?? {}).join(' ')}`) },
    copies: { drop: (key) => void done.push(`drop ${key}`), redeliver: call('redeliver') },
    batches: { delivered: ({ sender }) => takesBatches.has(sender) },
    noticeOutbox: { send: call('notify') },
    windows: { messageEnded: (user, key) => void done.push(`messageEnded ${user} ${key}`) },
    jobs: {
      attemptScheduled: () => void done.push('attemptScheduled'),
      attemptOver: call('attemptOver'),
      putDeadLetter: async (one) => call('putDeadLetter')(one),
      removeDeadLetter: call('removeDeadLetter'),
      putStanza: async () => void done.push('putStanza'),
    },
    counts,
    onDelivered: (ms) => void done.push(`onDelivered ${ms}`),
  });
  return { endings, done, counts };
}

test.each(Object.keys(ENDINGS) as Ending[])('%s: what it owes, and nothing else', async (ending) => {
  for (const owesReceipt of [true, false]) {
    const { endings, done, counts } = open();
    const { to, sender, deadLetter, counter } = ENDINGS[ending];
    await endings.conclude({ ...record, owesReceipt }, ending);
    expect(done).toEqual([
      'drop key',
      'messageEnded bob@example.org key',
      ...(to === 'delivered' ? ['onDelivered 250'] : []),
      ...(sender === 'failure' || (owesReceipt && sender !== 'nothing') ? ['notify key 2'] : []),
      'attemptOver key 2',
      ...(deadLetter === 'put' ? ['putDeadLetter key 2'] : []),
      ...(deadLetter === 'remove' ? ['removeDeadLetter key 2'] : []),
    ]);
    const none = { delivered: 0, lateReceipts: 0, rejected: 0, expired: 0, unconfirmed: 0 };
    expect(counts).toEqual(counter === undefined ? none : { ...none, [counter]: 1 });
  }
});

test('a healthy message has no jobs to remove, and a correction ends what is older', async () => {
  const { endings, done } = open();
  await endings.conclude({ ...record, attempt: 1, target: 'earlier' }, 'delivered');
  expect(done).toEqual([
    'drop key',
    'messageEnded bob@example.org key',
    'onDelivered 250',
    'push supersede key',
    'notify key 1',
  ]);
});

test('what is still owed is done again, but for what counts the ending', async () => {
  for (const state of ['expired', 'rejected', 'unconfirmed', 'delivered'] as const) {
    const { endings, done, counts } = open();
    await endings.repeat({ ...record, state });
    const isFailure = state === 'expired' || state === 'rejected';
    expect(done).toEqual(['drop key', 'notify key 2', ...(isFailure ? ['putDeadLetter key 2'] : [])]);
    expect(Object.values(counts)).toEqual([0, 0, 0, 0, 0]);
  }
});

test('a sender who is away is told when he comes, and one who takes batches in one', async () => {
  const away = open();
  await away.endings.conclude({ ...record, senderAway: true }, 'expired');
  expect(away.done).toEqual([
    'drop key',
    'messageEnded bob@example.org key',
    'attemptOver key 2',
    'putDeadLetter key 2',
  ]);
  const together = open(new Set([record.sender]));
  await together.endings.conclude(record, 'delivered');
  expect(together.done).not.toContain('notify key 2');
});

test('a new life: the job of the attempt before goes, and the message is sent', () => {
  const { endings, done } = open();
  endings.requeue({ ...record, attempt: 3 });
  expect(done).toEqual([
    'drop key',
    'messageEnded bob@example.org key',
    'attemptOver key 2',
    'removeDeadLetter key 2',
    'redeliver key 3',
  ]);
});
