import type { Account } from './client.ts';

const PAIRS = 10;

/** Every user writes to every other one, by sessions of their own: so many directions keep their order by themselves. */
export function openfirePairs(): [Account, Account][] {
  const { E2E_USERS = '', E2E_C2S_PORT = '5222', E2E_DOMAIN = 'example.org' } = process.env;
  const users = E2E_USERS.split(',').map((pair) => pair.split(':') as [string, string]);
  const account = ([name, password]: [string, string], resource: string): Account => ({
    port: Number(E2E_C2S_PORT),
    domain: E2E_DOMAIN,
    name,
    password,
    resource,
  });
  const all = users.flatMap((one) => users.filter((other) => other !== one).map((other) => [one, other] as const));
  return all
    .slice(0, PAIRS)
    .map(([one, other], i): [Account, Account] => [account(one, `writer${i}`), account(other, `reader${i}`)]);
}
