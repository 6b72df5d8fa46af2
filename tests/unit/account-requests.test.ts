import { AccountRequests } from '../../src/iq/account-requests.ts';

test('one that waits for its turn in the link holds up nobody else’s answer', () => {
  const requests = new AccountRequests();
  const held = [{ done: false }, { done: false }];
  held.forEach((one, i) => {
    requests.note(`q-${i}`, `user${i}@example.org`, one);
  });
  expect(requests.silent(0, 8000)).toEqual([]);
  Object.assign(held[1] as object, { done: true });
  expect(requests.silent(1000, 8000)).toEqual([]);
  expect(requests.silent(8999, 8000)).toEqual([]);
  expect(requests.silent(9000, 8000)).toEqual([{ id: 'q-1', account: 'user1@example.org' }]);
  Object.assign(held[0] as object, { done: true });
  expect(requests.silent(9000, 8000)).toEqual([]);
  expect(requests.silent(17_000, 8000)).toEqual([{ id: 'q-0', account: 'user0@example.org' }]);
});
