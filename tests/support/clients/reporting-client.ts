import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { opened } from '../process/opened.ts';
import { endWithUs } from '../process/temporary.ts';
import { WITHIN } from '../time/until.ts';

/** What the client reports: see its program. */
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
  /** Whether a receipt says by itself that it is the proxy's acknowledgement. */
  readonly stored?: boolean;
}

/** A client of another family, in a process of its own that is worked by JSON lines: commands in, reports out. */
export abstract class ReportingClient {
  readonly reports: Report[] = [];
  readonly #unread = new Set<Report>();
  readonly #news = new EventEmitter().setMaxListeners(0);
  readonly #child: ChildProcess;
  readonly #watch: { release(): void };
  readonly #name: string;
  #errors = '';
  #jid = '';

  /** @param name in failures */
  protected constructor(name: string, program: string, args: readonly string[]) {
    this.#name = name;
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.#watch = endWithUs(this.#child.pid as number, undefined);
    const closed = opened(name, () => this.#child.kill('SIGKILL'));
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

  /** Resolves when it is logged in and the server has its presence. Its process ends if that fails. */
  protected async enter(login: object, within = WITHIN): Promise<void> {
    this.does('login', login);
    try {
      const outcome = /^(session|refused|disconnected)$/;
      const session = await this.reported(({ event }) => outcome.test(event), 'a session', within);
      if (session.event !== 'session') throw new Error(`${this.#name} could not log in: ${JSON.stringify(session)}`);
      this.#jid = session.jid ?? '';
    } catch (error) {
      await this.kill();
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
    this.does('send', { to, body, ...words });
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

  /** Leaves in order, and ends the process. */
  async offline(): Promise<void> {
    if (this.#hasEnded) return;
    const exit = new Promise((resolve) => this.#child.once('exit', resolve));
    this.does('logout');
    await this.reported((report) => report.event === 'disconnected', 'its end').catch(() => {});
    this.#child.stdin?.end();
    const tooLate = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await exit;
    clearTimeout(tooLate);
    this.#watch.release();
  }

  /** As if its machine had lost power: nothing is said to anybody. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return;
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
        const text = `${this.#name} did not report ${what} within ${within} ms. Reports:\n${lines}\n${this.#errors}`;
        reject(new Error(text));
      }, within);
      const leave = () => {
        clearTimeout(timer);
        this.#news.off('report', look);
      };
      this.#news.on('report', look);
      look();
    });
  }

  protected does(name: string, fields: object = {}): void {
    this.#child.stdin?.write(`${JSON.stringify({ do: name, ...fields })}\n`);
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

/** Whether it is from that address, or from a resource of it if it has none itself. */
export function isFrom({ from = '' }: Report, jid: string): boolean {
  return from === jid || (!jid.includes('/') && from.startsWith(`${jid}/`));
}
