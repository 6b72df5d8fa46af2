import { Logins } from '../../src/presence/logins.ts';

const [PHONE, DESK] = ['bob@example.org/phone', 'bob@example.org/desk'];
const [ALICE, CAROL] = ['alice@receipts.example.org', 'carol@receipts.example.org'];

/** Two who get bob's presence, which is broadcast to both; then both are probed. */
function logsIn(logins: Logins, at: number, isAlone = true): (number | undefined)[] {
  logins.heard(PHONE, ALICE, at);
  logins.heard(PHONE, CAROL, at + 3);
  return [logins.whenProbed(PHONE, isAlone, at + 4), logins.whenProbed(PHONE, isAlone, at + 6)];
}

test('the first login that is heard of says nothing of younger sessions; the next one ends what was there before its presence', () => {
  const logins = new Logins();
  expect(logsIn(logins, 10_000)).toEqual([5004, 5006]);
  expect(logsIn(logins, 10_400)).toEqual([10_380, 10_380]);
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

test('a probe without presence before it is no login; where other processes hear parts, one of them may have heard it', () => {
  const logins = new Logins();
  expect(logins.whenProbed(PHONE, true, 10_000)).toBeUndefined();
  expect(logins.whenProbed(PHONE, false, 10_000)).toBe(5000);
  logsIn(logins, 10_000);
  expect(logins.whenProbed(DESK, true, 10_500)).toBeUndefined();
  expect(logins.whenProbed(PHONE, true, 19_999)).toBe(14_999);
  expect(logins.whenProbed(PHONE, true, 20_000)).toBeUndefined();
});

test('the answer to a probe amid a login is no second one; what comes after it is', () => {
  const logins = new Logins();
  logins.asked('bob@example.org', ALICE, 9990);
  logins.heard(PHONE, ALICE, 10_000);
  logins.heard(PHONE, ALICE, 10_050);
  expect(logins.whenProbed(PHONE, true, 10_060)).toBe(5060);
  // Of his other session there is another answer.
  logins.heard(DESK, ALICE, 10_000);
  logins.heard(DESK, ALICE, 10_051);
  expect(logins.whenProbed(DESK, true, 10_060)).toBe(5060);
  expect(logsIn(logins, 10_100)).toEqual([10_080, 10_080]);
  // An answer that does not come within ten seconds is not waited for.
  logins.asked('bob@example.org', ALICE, 11_000);
  logins.asked('bob@example.org', CAROL, 12_000);
  logins.heard(PHONE, ALICE, 20_999);
  logins.heard(PHONE, ALICE, 21_000);
  expect(logins.whenProbed(PHONE, true, 21_001)).toBe(20_980);
});

test('an end that comes between the presence of a login and its first probe is that of the session before', () => {
  const logins = new Logins();
  logins.heard(PHONE, ALICE, 10_000);
  expect(logins.left(PHONE, ALICE, 10_001)).toBe(false);
  expect(logins.left(PHONE, CAROL, 10_003)).toBe(false);
  // Presence that comes after it makes it good.
  logins.heard(PHONE, CAROL, 10_004);
  expect(logins.overtook(PHONE)).toEqual([ALICE]);
  expect(logins.overtook(PHONE)).toEqual([]);
  // The rest of it.
  expect(logins.left(PHONE, CAROL, 10_005)).toBe(true);
  expect(logins.left(DESK, CAROL, 10_005)).toBe(false);
  expect(logins.left(PHONE, CAROL, 20_005)).toBe(false);
});

test('an end that comes after the first probe may be his own', () => {
  const logins = new Logins();
  expect(logins.overtook(PHONE)).toEqual([]);
  logins.heard(PHONE, ALICE, 10_000);
  expect(logins.overtook(PHONE)).toEqual([]);
  expect(logins.left(PHONE, ALICE, 10_001)).toBe(false);
  expect(logins.overtook(PHONE)).toEqual([]);
  // He changes what he shows, and hides: no login comes after that.
  logins.heard(PHONE, ALICE, 10_400);
  expect(logins.overtook(PHONE)).toEqual([]);
});

test('more than fifty thousand sessions at once are not remembered', () => {
  const logins = new Logins();
  for (let i = 0; i < 50_000; i += 1) logins.heard(`${i}@example.org/phone`, ALICE, 10_000);
  expect(logsIn(logins, 10_000)).toEqual([5004, 5006]);
  expect(logsIn(logins, 10_400)).toEqual([5404, 5406]);
  expect(logins.left(PHONE, ALICE, 10_401)).toBe(false);
  logins.heard('7@example.org/phone', ALICE, 10_500);
  expect(logins.whenProbed('7@example.org/phone', true, 10_501)).toBe(10_480);
});
