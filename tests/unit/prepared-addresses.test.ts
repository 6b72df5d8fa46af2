import { BothPolicy } from '../../src/addressing/both-policy.ts';
import { SubdomainPolicy } from '../../src/addressing/subdomain-policy.ts';
import { TransparentPolicy } from '../../src/addressing/transparent-policy.ts';

const policy = () => new SubdomainPolicy({ componentDomain: 'receipts.example.org', servedDomain: 'example.org' });
const user = (number: number) => `user-of-a-busy-server-${number}@example.org/phone`;

test('100,000 addresses that come in turn are prepared once each', () => {
  const addresses = policy();
  const first = Array.from({ length: 100_000 }, (_, number) => addresses.parse(user(number)));
  expect(first.filter((address, number) => addresses.parse(user(number)) !== address)).toEqual([]);
});

test('one that comes again and again stays known, and one that does not is forgotten', () => {
  const addresses = policy();
  const [often, once] = [addresses.parse('often@example.org'), addresses.parse('once@example.org')];
  const resource = 'x'.repeat(900);
  for (let number = 0; number < 60_000; number += 1) {
    addresses.parse(`user${number}@example.org/${resource}`);
    if (number % 100 === 0) expect(addresses.parse('often@example.org')).toBe(often);
  }
  expect(addresses.parse('once@example.org')).not.toBe(once);
});

test.each([SubdomainPolicy, BothPolicy, TransparentPolicy])(
  'what comes back from a user has one key, by his address or by his account: %p',
  (Policy) => {
    const addresses = new Policy({ componentDomain: 'receipts.example.org', servedDomain: 'example.org' });
    const { inner, returnsKey } = addresses.parse('bob@example.org/desk');
    expect(addresses.returnsKeyOf(inner)).toBe(returnsKey);
    expect(() => addresses.returnsKeyOf('')).not.toThrow();
  },
);
