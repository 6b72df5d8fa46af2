import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { Refusals } from '../../src/delivery/refusals.ts';
import type { StoredRecord } from '../../src/store/contract.ts';

type Answer = 'answered' | 'refused' | 'unknown';

const BOB = 'bob@example.org';
const PROXIED = 'alice@receipts.example.org';
const OWN = 'receipts.example.org';

function refusals(answers: Readonly<Record<string, Answer>>, isHere: boolean | 'Redis fails' = false) {
  const asked: string[] = [];
  let now = 0;
  const perform = async () => {
    if (isHere === 'Redis fails') throw new Error('Redis fails');
    return isHere;
  };
  const all = new Refusals({
    pipeline: { perform: perform as never },
    addresses: new SubdomainPolicy({ componentDomain: OWN, servedDomain: 'example.org' }),
    clock: { now: () => now },
    reaches: async (from, to) => {
      asked.push(`${from} ${to}`);
      return answers[from] ?? 'unknown';
    },
  });
  const isForGood = (fields: Partial<StoredRecord> = {}) =>
    all.isPermanent({
      sender: 'alice@example.org',
      recipient: BOB,
      recipientResource: '',
      type: 'chat',
      ...fields,
    } as StoredRecord);
  return { isForGood, asked, later: (ms: number) => (now += ms) };
}

describe('what came back with service-unavailable', () => {
  test.each<[Answer, Answer, boolean, boolean]>([
    ['answered', 'answered', true, false],
    ['unknown', 'answered', true, false],
    ['refused', 'answered', false, true],
    ['refused', 'answered', true, true],
    ['refused', 'refused', false, false],
    ['refused', 'refused', true, true],
    ['refused', 'unknown', false, false],
    ['refused', 'unknown', true, true],
  ])(
    'from the sender’s address %s, from our own %s, he is here: %s; for good: %s',
    async (his, own, isHere, forGood) => {
      expect(await refusals({ [PROXIED]: his, [OWN]: own }, isHere).isForGood()).toBe(forGood);
    },
  );

  test('one that was for a session alone may find another, whoever is here', async () => {
    const both = refusals({ [PROXIED]: 'refused', [OWN]: 'refused' }, true);
    expect(await both.isForGood({ type: 'normal', recipientResource: 'desk' })).toBe(false);
    expect(await both.isForGood({ type: 'chat', recipientResource: 'desk' })).toBe(true);
  });

  test('when Redis fails it is for now', async () => {
    expect(await refusals({ [PROXIED]: 'refused', [OWN]: 'refused' }, 'Redis fails').isForGood()).toBe(false);
  });

  test('many messages at once ask once, each sender for himself', async () => {
    const { isForGood, asked } = refusals({ [PROXIED]: 'refused', [OWN]: 'answered' });
    expect(await Promise.all([isForGood(), isForGood(), isForGood()])).toEqual([true, true, true]);
    expect(asked).toEqual([`${PROXIED} ${BOB}`, `${OWN} ${BOB}`]);
    expect(await isForGood({ sender: 'carol@example.org' })).toBe(false);
  });

  test('a block that has been lifted ends no message', async () => {
    const answers: Record<string, Answer> = { [PROXIED]: 'refused', [OWN]: 'answered' };
    const { isForGood } = refusals(answers);
    expect(await isForGood()).toBe(true);
    answers[PROXIED] = 'answered';
    expect(await isForGood()).toBe(false);
  });

  test('that it is for now holds for a minute', async () => {
    const { isForGood, asked, later } = refusals({ [PROXIED]: 'answered' });
    await isForGood();
    later(59_000);
    await isForGood();
    expect(asked).toHaveLength(1);
    later(1_001);
    await isForGood();
    expect(asked).toHaveLength(2);
  });
});
