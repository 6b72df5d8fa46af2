import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { OWN_SERVER, type World } from '../stages/world.ts';
import { isFrom, type Report, ReportingClient } from './reporting-client.ts';

const SCRIPT = path.join(import.meta.dirname, 'slixmpp_client.py');

/** A Python that has slixmpp: Debian's is not always the first on the path. */
export const slixmppPython: string | undefined = ['python3', '/usr/bin/python3'].find(
  (python) => spawnSync(python, ['-c', 'import slixmpp'], { stdio: 'ignore' }).status === 0,
);

/** A user whose client is slixmpp. */
export class SlixmppUser extends ReportingClient {
  /** Resolves when the roster is read and presence sent. */
  static async login(world: World, name: string): Promise<SlixmppUser> {
    if (slixmppPython === undefined) throw new Error('slixmpp is not installed');
    const { host, c2sPort: port, domain, passwords } = world.xmpp;
    const jid = `${name}@${domain}/${world.newResource()}`;
    const user = new SlixmppUser('slixmpp', slixmppPython, [SCRIPT]);
    // Our own server has no certificate.
    await user.enter({ host, port, jid, password: passwords.get(name) ?? '', tls: !OWN_SERVER });
    return user;
  }

  /** @param kind a presence's type, or `available` */
  sees(from: string, kind: string, seen: Pick<Report, 'show' | 'status'> = {}): Promise<Report> {
    const looksLike = (report: Report) =>
      Object.entries(seen).every(([name, value]) => report[name as 'show'] === value);
    return this.reported(
      (report) => report.event === 'presence' && report.kind === kind && isFrom(report, from) && looksLike(report),
      `${kind} from ${from}`,
    );
  }

  /** Sends presence: to all, or to one, be it an answer or a request. */
  presence(fields: { to?: string; type?: string; show?: string; status?: string; priority?: number } = {}): void {
    this.does('presence', fields);
  }

  async featuresOf(jid: string): Promise<readonly string[]> {
    this.does('features', { of: jid });
    return (await this.reported((report) => /^(features|failed)$/.test(report.event), 'features')).features ?? [];
  }
}
