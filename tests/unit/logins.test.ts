import { Logins } from '../../src/presence/logins.ts';

const [PHONE, DESK] = ['bob@example.org/phone', 'bob@example.org/desk'];
const [ALICE, CAROL] = ['alice@receipts.example.org', 'carol@receipts.example.org'];

/** Two who get bob's presence, which is broadcast to both; then both are probed. */
function logsIn(logins: Logins, at: number, isAlone = true): number[] {
  logins.heard(PHONE, ALICE, at);
  logins.heard(PHONE, CAROL, at + 3);
  return [logins.whenProbed(PHONE, isAlone, at + 4), logins.whenProbed(PHONE, isAlone, at + 6)];
}

test('the first login that is heard of says nothing of younger sessions; the next one ends what was there before its presence', () => {
  const logins = new Logins();
  expect(logsIn(logins, 10_000)).toEqual([5004, 5006]);
  expect(logsIn(logins, 10_400)).toEqual([10_380, 10_380]);
  expect(logins.whenProbed(DESK, true, 10_500)).toBe(5500);
  expect(logsIn(logins, 11_000)).toEqual([10_980, 10_980]);
});

test('the word of a session that was there when he let somebody in is of before his login, which nobody was told of', () => {
  const logins = new Logins();
  logins.heard(PHONE, ALICE, 10_000);
  logins.heard(PHONE, CAROL, 10_150);
  expect(logsIn(logins, 10_300)).toEqual([10_280, 10_280]);
});

test('where other processes hear parts of it, it may have begun a second before', () => {
  const logins = new Logins();
  logsIn(logins, 10_000, false);
  expect(logsIn(logins, 12_500, false)).toEqual([11_500, 11_500]);
});

test('after ten seconds the age alone counts, which is what a login lasts', () => {
  const logins = new Logins();
  logsIn(logins, 10_000);
  expect(logsIn(logins, 20_000)).toEqual([15_004, 15_006]);
  expect(logsIn(logins, 29_999)).toEqual([29_979, 29_979]);
  // A broadcast that takes longer is not taken for a second one.
  logins.heard(PHONE, ALICE, 50_000);
  logins.heard(DESK, ALICE, 60_000);
  logins.heard(PHONE, CAROL, 60_001);
  expect(logins.whenProbed(PHONE, true, 60_002)).toBe(55_002);
});

test('more than fifty thousand sessions at once are not remembered', () => {
  const logins = new Logins();
  for (let i = 0; i < 50_000; i += 1) logins.heard(`${i}@example.org/phone`, ALICE, 10_000);
  expect(logsIn(logins, 10_000)).toEqual([5004, 5006]);
  expect(logsIn(logins, 10_400)).toEqual([5404, 5406]);
  logins.heard('7@example.org/phone', ALICE, 10_500);
  expect(logins.whenProbed('7@example.org/phone', true, 10_501)).toBe(10_480);
});
