import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import type { World } from '../stages/world.ts';
import { until } from '../time/until.ts';
import { run } from './smack.ts';

const PASSWORD = 'changeit';

/**
 * For a program in Java that knows no way to trust whatever it meets: makes a key store with the certificate that clients of this
 * server are shown, in that folder.
 *
 * @returns options for `java`; none where the server offers no TLS
 */
export async function trustOptions(world: World, folder: string): Promise<string[] | undefined> {
  const certificate = await shownCertificate(world);
  if (certificate === undefined) return undefined;
  const [file, store] = [path.join(folder, 'server.der'), path.join(folder, 'trusted.p12')];
  await writeFile(file, certificate);
  const where = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', PASSWORD];
  await run('keytool', ['-importcert', '-noprompt', '-alias', 'server', '-file', file, ...where]);
  return [`-Djavax.net.ssl.trustStore=${store}`, `-Djavax.net.ssl.trustStorePassword=${PASSWORD}`];
}

/** RFC 6120 section 5.4, as far as the certificate. */
async function shownCertificate({ xmpp: { host, c2sPort, domain } }: World): Promise<Buffer | undefined> {
  const socket = net.connect(c2sPort, host);
  let said = '';
  const hear = (data: Buffer) => {
    said += data;
  };
  socket.on('data', hear).on('error', () => {});
  const hears = (what: RegExp) => until(() => what.exec(said)?.[0], { what: `${what} from the server` });
  try {
    const streams = 'xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams"';
    socket.write(`<?xml version="1.0"?><stream:stream ${streams} to="${domain}" version="1.0">`);
    await hears(/<\/stream:features>/);
    if (!/<starttls[\s>]/.test(said)) return undefined;
    socket.write('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>');
    await hears(/<proceed[\s/>]/);
    socket.off('data', hear);
    const secure = tls.connect({ socket, servername: domain, rejectUnauthorized: false });
    await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
    return secure.getPeerCertificate().raw;
  } finally {
    socket.destroy();
  }
}
