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

test.each([SubdomainPolicy, BothPolicy, TransparentPolicy])(
  'an address is the same whichever of its user came before, and what is none is refused however well his name is known: %p',
  (Policy) => {
    const make = () => new Policy({ componentDomain: 'receipts.example.org', servedDomain: 'example.org' });
    const addresses = make();
    const bares = [
      'bob@example.org',
      'BOB@Example.org',
      'bob@receipts.example.org',
      'bob@other.org',
      'example.org',
      'receipts.example.org',
    ];
    const resources = ['', '/desk', '/phone', '/esk', '/desk/phone', '/phone@desk'];
    for (const bare of bares) {
      for (const resource of [...resources, ...resources.toReversed()]) {
        const address = addresses.parse(bare + resource);
        expect(address).toEqual(make().parse(bare + resource));
        expect(address.full.slice(address.bare.length)).toBe(resource);
        expect(addresses.parse(bare + resource)).toBe(address);
      }
      for (const wrong of [`${bare}/`, `${bare}/\u0001`, `${bare}/${'x'.repeat(1024)}`]) {
        for (let twice = 0; twice < 2; twice += 1) {
          expect(() => addresses.parse(wrong)).toThrow(`Malformed address: ${wrong}`.slice(0, 100));
        }
      }
    }
    expect(() => addresses.parse('@example.org/desk')).toThrow('Malformed address: @example.org/desk');
  },
);

test('of a user with many resources the latest are known, and he takes no more room than is counted', () => {
  const addresses = policy();
  const all = Array.from({ length: 1000 }, (_, number) => addresses.parse(`bob@example.org/r-${number}`));
  const known = all.filter((address, number) => number >= 992 && addresses.parse(address.full) === address);
  expect(known).toHaveLength(8);
  expect(addresses.parse('bob@example.org/r-0')).not.toBe(all[0]);
});
