import { type Entry, labelledOptions, messageList, selectedMessages } from '../../src/commands/message-list.ts';
import type { Values } from '../../src/xmpp/stanza/data-form.ts';
import { RequestError } from '../../src/xmpp/stanza/request-error.ts';

const NOW = Date.parse('2026-11-24T22:00:00Z');
const entry = (value: string, time: string, who = 'carol', what = 'not confirmed'): Entry => ({
  value,
  at: Date.parse(time),
  who,
  what,
});
const labels = (...entries: Entry[]) => labelledOptions(entries, NOW).map(({ label }) => label);

describe('labels', () => {
  test('begin with what tells the messages apart, and are short', () => {
    expect(labels(entry('a', '2026-11-24T21:38:05Z'))).toEqual(['21:38 carol: not confirmed']);
    expect(labels(entry('a', '2026-11-23T21:38:05Z'))).toEqual(['2026-11-23 21:38 carol: not confirmed']);
    const long = 'x'.repeat(5000);
    expect(labels(entry('a', '2026-11-24T21:38:05Z', long, long))[0]?.length).toBeLessThan(140);
  });

  test('are never the same: with seconds where they must be, then a number', () => {
    expect(
      labels(
        entry('a', '2026-11-24T21:38:05.100Z'),
        entry('b', '2026-11-24T21:38:07Z'),
        entry('c', '2026-11-24T21:38:05.200Z'),
        entry('d', '2026-11-24T21:38:06Z', 'dave'),
        entry('e', '2026-11-23T21:38:05Z'),
      ),
    ).toEqual([
      '21:38:05 carol: not confirmed',
      '21:38:07 carol: not confirmed',
      '21:38:05 carol (2): not confirmed',
      '21:38 dave: not confirmed',
      '2026-11-23 21:38 carol: not confirmed',
    ]);
  });

  test('come back as they are shown, whatever somebody has written into them', () => {
    expect(labels(entry('a', '2026-11-24T21:38:05Z', 'carol', ' no \n  way  '))).toEqual(['21:38 carol: no way']);
    expect(labels(entry('a', 'never'))).toEqual(['? carol: not confirmed']);
  });
});

/** What a client returns of a list of two in which these were picked. */
function returned(picks: readonly string[], forget = false): Values {
  const entries = [entry('key-1', '2026-11-24T21:38:05Z'), entry('key-2', '2026-11-24T21:39:05Z', 'dave')];
  const fields = messageList('2 messages', entries, NOW);
  const hidden = fields.find(({ type }) => type === 'hidden');
  return new Map([
    ['messages', picks],
    ...(forget || hidden === undefined ? [] : [[hidden.var, [String(hidden.value)]] as const]),
  ]);
}

describe('what is picked', () => {
  test.each([
    ['values', ['key-1', 'key-2']],
    ['labels (Gajim)', ['21:38 carol: not confirmed', '21:39 dave: not confirmed']],
    ['labels with white space', [' 21:38 carol: not confirmed\n', '21:39 dave: not confirmed']],
    ['one of each', ['key-1', '21:39 dave: not confirmed']],
    ['one by both', ['key-1', '21:38 carol: not confirmed', 'key-2']],
  ])('comes as %s', (_, picks) => {
    expect(selectedMessages(returned(picks))).toEqual(['key-1', 'key-2']);
  });

  test.each([
    ['is not in the list', ['21:38 carol: delivered'], /^Not in the list: "21:38 carol: delivered"/],
    ['is not in the list, beside one that is', ['key-1', 'key-3'], /^Not in the list: "key-3"/],
    ['is nothing', [' '], /^No message is picked/],
    ['is too much', Array.from({ length: 51 }, (_, i) => `${i}`), /^At most 50 messages/],
  ])('is refused when it %s', (_, picks, why) => {
    expect(() => selectedMessages(returned(picks))).toThrow(RequestError);
    expect(() => selectedMessages(returned(picks))).toThrow(why);
  });

  test('counts as it is from a client that does not return what was hidden', () => {
    expect(selectedMessages(returned(['key-1'], true))).toEqual(['key-1']);
    expect(
      selectedMessages(
        new Map([
          ['messages', ['key-1']],
          ['listed', ['{"a":']],
        ]),
      ),
    ).toEqual(['key-1']);
    expect(
      selectedMessages(
        new Map([
          ['messages', ['key-1']],
          ['listed', ['null']],
        ]),
      ),
    ).toEqual(['key-1']);
  });
});
