import { addressesOf } from '../../src/jobs/jobs.ts';
import { errorStanza } from '../../src/xmpp/stanza/build.ts';

test('a stanza that was put aside is listed by the addresses and the id that it has, in any script', () => {
  const xml = errorStanza('message', "jürgen@example.org/Büro & <'Öl'>", 'bob@example.org', '漢字-"1"', {
    condition: 'bad-request',
  });
  expect(addressesOf(xml)).toEqual({
    from: 'bob@example.org',
    to: "jürgen@example.org/Büro & <'Öl'>",
    id: '漢字-"1"',
  });
});
