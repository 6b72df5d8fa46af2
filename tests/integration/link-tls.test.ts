import { once } from 'node:events';
import { Link } from '../../src/xmpp/connection/link.ts';
import { ComponentPeer } from '../support/peer/component-peer.ts';
import { until } from '../support/time/until.ts';

// Self-signed, for example.org alone, and for nothing but this test.
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgtKQflDBFsVQ6IKAt
fYKKCQrqWBkbXMaKpo4G7JuFoLmhRANCAASOnIftgqsEbUZ7flNTcucBrxKate9V
6WOC8SVsdkm0vHEktIEry64C9KqrfmYS6y1PS/JlqeN9pa7aV6UMo5h/
-----END PRIVATE KEY-----
`;
const CERT = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUa2KA6Da95uG4Ba2lP24IrX4fF64wCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLZXhhbXBsZS5vcmcwIBcNMjYxMTI0MTAzMzUyWhgPMjEyNjEw
MzExMDMzNTJaMBYxFDASBgNVBAMMC2V4YW1wbGUub3JnMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEjpyH7YKrBG1Ge35TU3LnAa8SmrXvVeljgvElbHZJtLxxJLSB
K8uuAvSqq35mEustT0vyZanjfaWu2lelDKOYf6NrMGkwHQYDVR0OBBYEFOhst0on
pRlwSDY+C1DNLVl8Dlb/MB8GA1UdIwQYMBaAFOhst0onpRlwSDY+C1DNLVl8Dlb/
MA8GA1UdEwEB/wQFMAMBAf8wFgYDVR0RBA8wDYILZXhhbXBsZS5vcmcwCgYIKoZI
zj0EAwIDSAAwRQIhAKEkhnOEi4bHc7XPF6uPfL73O8Rvf0fzrRbmZESeTP8dAiAa
MiZq1ZoeI34Nv39baEVZIJGmTlvh508yXpr2CuTE6Q==
-----END CERTIFICATE-----
`;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let peer: ComponentPeer;
let link: Link<string>;

function connect(tlsCa: string | undefined, serverDomain = 'example.org', service = peer.service): Link<string> {
  return new Link({
    service,
    ...(tlsCa !== undefined && { tlsCa }),
    domain: 'receipts.example.org',
    secret: 'secret',
    serverDomain,
    log: quiet,
    timing: { backoffMin: 5, backoffMax: 10 },
  });
}

beforeEach(async () => {
  peer = await ComponentPeer.listen({ tls: { key: KEY, cert: CERT } });
});

afterEach(async () => {
  await link.stop(500);
  await peer.close();
});

test('direct TLS, with a certificate for the server’s domain from an authority that is given', async () => {
  link = connect(CERT);
  await link.start();
  const handedOver = once(link, 'handedOver');
  link.send('<message from="bob@receipts.example.org" to="alice@example.org"><body>a</body></message>', 'a');
  expect((await handedOver)[0]).toEqual(['a']);
});

test.each([
  ['an unknown authority', undefined, 'example.org', /self-signed certificate/],
  ['a certificate for another name', CERT, 'example.net', /does not match/],
])('%s is refused, and tried again', async (_, ca, serverDomain, words) => {
  link = connect(ca, serverDomain);
  await expect(problemOf(link)).resolves.toMatch(words);
});

test('TLS to a port without it: asked for', async () => {
  const plain = await ComponentPeer.listen();
  link = connect(undefined, 'example.org', plain.service.replace('xmpp:', 'xmpps:'));
  await expect(problemOf(link)).resolves.toMatch(/TLS.*on this port\? If .* not, XMPP_SERVICE begins with xmpp:/);
  await plain.close();
});

test('no TLS to a port with it: asked for', async () => {
  link = connect(undefined, 'example.org', peer.service.replace('xmpps:', 'xmpp:'));
  await expect(problemOf(link)).resolves.toMatch(/5276\), XMPP_SERVICE begins with xmpps:/);
});

/** Why it does not come up. */
async function problemOf(it: Link<string>): Promise<string | undefined> {
  const started = expect(it.start()).rejects.toThrow('stopped');
  await until(() => it.stats.lastProblem !== undefined, { what: 'the refusal' });
  expect(it.online).toBe(false);
  const { lastProblem } = it.stats;
  await it.stop(500);
  await started;
  return lastProblem;
}
