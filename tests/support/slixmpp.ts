import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { opened } from './opened.ts';
import { WITHIN } from './poll.ts';
import { endWithUs } from './temp.ts';

const SCRIPT = path.join(import.meta.dirname, 'slixmpp_client.py');

/** What the client reports: see the script. */
export interface Report {
  readonly event: string;
  readonly id?: string;
  readonly type?: string | null;
  readonly from?: string;
  readonly to?: string;
  readonly body?: string;
  readonly delay?: string | null;
  /** The id that a receipt is for. */
  readonly about?: string;
  readonly condition?: string;
  readonly text?: string;
  readonly kind?: string;
  readonly show?: string | null;
  readonly status?: string | null;
  readonly features?: readonly string[];
  readonly jid?: string;
}

/** A Python that has slixmpp: Debian's is not always the first on the path. */
export const slixmppPython: string | undefined = ['python3', '/usr/bin/python3'].find(
  (python) => spawnSync(python, ['-c', 'import slixmpp'], { stdio: 'ignore' }).status === 0,
);

/** A client of another family than the other test users: a slixmpp in a process of its own. */
export class SlixmppUser {
  readonly reports: Report[] = [];
  readonly #unread = new Set<Report>();
  readonly #news = new EventEmitter().setMaxListeners(0);
  readonly #child: ChildProcess;
  readonly #watch: { release(): void };
  #errors = '';
  #jid = '';

  private constructor(python: string) {
    this.#child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.#watch = endWithUs(this.#child.pid as number, undefined);
    const closed = opened('slixmpp', () => this.#child.kill('SIGKILL'));
    this.#child.once('exit', closed);
    this.#child.stdin?.on('error', () => {});
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const report = JSON.parse(line) as Report;
      this.reports.push(report);
      this.#unread.add(report);
      this.#news.emit('report');
    });
  }

  /** Resolves when the roster is read and presence sent. */
  static async login(host: string, port: number, jid: string, password: string): Promise<SlixmppUser> {
    if (slixmppPython === undefined) throw new Error('slixmpp is not installed');
    const user = new SlixmppUser(slixmppPython);
    user.#does('login', { host, port, jid, password });
    try {
      const session = await user.reported((report) => /^(session|refused)$/.test(report.event), 'a session');
      if (session.event === 'refused') throw new Error(`slixmpp could not log in: ${JSON.stringify(session)}`);
      user.#jid = session.jid ?? '';
      return user;
    } catch (error) {
      await user.#kill();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get jid(): string {
    return this.#jid;
  }

  get bare(): string {
    return this.#jid.split('/', 1)[0] as string;
  }

  /**
   * Resolves with the message's id.
   *
   * @param words `id`: one that it had before makes another copy of it
   */
  async say(to: string, body: string, words: { id?: string } = {}): Promise<string> {
    this.#does('send', { to, body, ...words });
    return (await this.reported((report) => report.event === 'sent', 'the id of what it sent')).id as string;
  }

  hears(body: string): Promise<Report> {
    return this.reported((report) => report.event === 'message' && report.body === body, body);
  }

  /** A receipt for that message: the acknowledgement if it is from a domain, else the recipient's. */
  receipt(id: string, from: string): Promise<Report> {
    return this.reported(
      (report) => report.event === 'receipt' && report.about === id && isFrom(report, from),
      `a receipt from ${from}`,
    );
  }

  failed(id: string): Promise<Report> {
    return this.reported((report) => report.event === 'error' && report.id === id, `the failure of ${id}`);
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
    this.#does('presence', fields);
  }

  async featuresOf(jid: string): Promise<readonly string[]> {
    this.#does('features', { of: jid });
    return (await this.reported((report) => /^(features|failed)$/.test(report.event), 'features')).features ?? [];
  }

  /** Leaves in order, and ends the process. */
  async offline(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#does('logout');
    await this.reported((report) => report.event === 'disconnected', 'its end').catch(() => {});
    this.#child.stdin?.end();
    const tooLate = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await exit;
    clearTimeout(tooLate);
    this.#watch.release();
  }

  async #kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
    this.#watch.release();
  }

  /** Resolves with the first report that matches and that no earlier call has had. */
  reported(match: (report: Report) => boolean, what: string, within = WITHIN): Promise<Report> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = [...this.#unread].find(match);
        if (found === undefined) return;
        this.#unread.delete(found);
        leave();
        resolve(found);
      };
      const timer = setTimeout(() => {
        leave();
        const lines = this.reports.map((report) => JSON.stringify(report)).join('\n');
        reject(new Error(`slixmpp did not report ${what} within ${within} ms. Reports:\n${lines}\n${this.#errors}`));
      }, within);
      const leave = () => {
        clearTimeout(timer);
        this.#news.off('report', look);
      };
      this.#news.on('report', look);
      look();
    });
  }

  #does(name: string, fields: object = {}): void {
    this.#child.stdin?.write(`${JSON.stringify({ do: name, ...fields })}\n`);
  }
}

function isFrom({ from = '' }: Report, jid: string): boolean {
  return from === jid || (!jid.includes('/') && from.startsWith(`${jid}/`));
}
