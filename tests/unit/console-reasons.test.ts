import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { causesFirst } from '../../src/console/model/life.ts';
import { cellIn, reasonIn } from '../../src/console/words/reasons.ts';
import { describeCell, ruleFor, SITUATIONS } from '../../src/store/redelivery-rules.ts';

const ROOT = path.resolve(import.meta.dirname, '../../src');

/** What a person reads of why something was done to a message. */
test('each cell of the rules is said in both languages, without the names of the code', () => {
  for (const situation of SITUATIONS) {
    for (const column of Object.keys(ruleFor(situation)) as (keyof ReturnType<typeof ruleFor>)[]) {
      const cell = describeCell(situation, column);
      expect([cell, cellIn('en', cell)]).toEqual([cell, expect.not.stringMatching(/ = |sessionEnded|undefined/)]);
      expect([cell, cellIn('zh', cell)]).toEqual([
        cell,
        expect.stringMatching(/^[^a-z=]*(RETRY_SCHEDULE|UNCONFIRMED_RETRY_AFTER)?[^a-z=]*$/),
      ]);
    }
  }
  expect(cellIn('en', 'another form')).toBeUndefined();
});

test('each reason that the code has is said in Chinese', () => {
  const files = ['delivery', 'jobs'].flatMap((room) =>
    readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.join(room, name)),
  );
  const reasons = files.flatMap((file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    return [...text.matchAll(/trace\?*\.\([^;]*?why: '([^']+)'/gs)].map(([, why]) => why as string);
  });
  expect(reasons.length).toBeGreaterThan(15);
  expect(reasons.filter((why) => reasonIn('zh', why).lang !== 'zh')).toEqual([]);
});

test('evidence is said in words; what nobody knows stays as it is', () => {
  expect(reasonIn('en', 'session-ended')).toEqual({
    text: 'the session that had it ended without a receipt',
    lang: 'en',
  });
  expect(reasonIn('en', 'it was due')).toEqual({ text: 'it was due', lang: 'en' });
  expect(reasonIn('zh', 'it is known, and delivered')).toEqual({ text: '已知，状态为 delivered', lang: 'zh' });
  expect(reasonIn('zh', 'recipient-unavailable')).toEqual({ text: 'recipient-unavailable', lang: 'en' });
});

test('what a decision was made by stands before it, whatever the clocks say', () => {
  const at = (ms: number) => new Date(1e12 + ms).toISOString();
  const decided = { at: at(0), what: 'rule applied', why: 'session-ended' };
  const sent = { at: at(1), what: 'redelivered', why: 'session-ended' };
  const noted = { at: at(3), what: 'session-ended' };
  const told = { at: at(4), what: 'notified' };
  expect(causesFirst([decided, sent, noted, told])).toEqual([noted, decided, sent, told]);
  expect(causesFirst([noted, decided, sent])).toEqual([noted, decided, sent]);
  // Another attempt, much later.
  const later = { ...noted, at: at(60_000) };
  expect(causesFirst([decided, sent, later])).toEqual([decided, sent, later]);
});
