import { ProxyProcess } from '../tests/support/stages/proxy-process.ts';
import type { Recorder } from './history.ts';
import type { LinkRelay } from './link-relay.ts';

/** ms; how long a process may take to start, or to end when it is told to. */
const TIMEOUT = 30_000;
const POLL_EVERY = 500;
const ANSWER_WITHIN = 1500;

export interface ProxyOptions {
  /** Its component domain. */
  readonly domain: string;
  readonly link: LinkRelay;
  readonly httpPort: number;
  readonly environment: Record<string, string>;
  readonly recorder: Recorder;
}

/** One process of the proxy, in the hands of somebody who kills it and starts it again. */
export class ProxyInstance {
  readonly domain: string;
  readonly link: LinkRelay;
  readonly #options: ProxyOptions;
  #process: ProxyProcess | undefined;
  #expected = false;
  #closed = false;
  #poll: NodeJS.Timeout | undefined;
  #output = '';

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.domain = options.domain;
    this.link = options.link;
  }

  /** What its processes have printed. */
  get output(): string {
    return this.#output + (this.#process?.output ?? '');
  }

  /** Resolves when its link is up. */
  async start(): Promise<void> {
    if (this.#closed) return;
    this.#output = this.output;
    const process = new ProxyProcess(this.#options.environment, 'built');
    this.#process = process;
    this.#expected = false;
    void process.exited.then(({ code, signal }) => {
      if (this.#process !== process || this.#expected) return;
      const how = `${signal ?? `status ${code}`} that nobody had asked for: ${lastWords(process.output)}`;
      this.#options.recorder.add({ kind: 'died', process: this.domain, how });
      // As whatever runs it would.
      void this.start().catch(() => {});
    });
    await inTime(process.prints('The link is up'), `${this.domain} to be up`).catch((error: Error) => {
      throw new Error(`${error.message}. Its last words: ${lastWords(process.output) || 'none'}`);
    });
  }

  /** Resolves when the process that runs now has printed this. */
  async prints(text: string): Promise<void> {
    await this.#process?.prints(text, TIMEOUT);
  }

  async kill(): Promise<void> {
    this.#expected = true;
    await this.#process?.signal('SIGKILL');
  }

  /** In order; records any other status than 0. */
  async terminate(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#expected = true;
    const ended = await inTime(process.signal('SIGTERM'), `${this.domain} to end`).catch(async () => {
      await process.signal('SIGKILL');
      return undefined;
    });
    if (ended?.code === 0) return;
    const how = ended === undefined ? 'not at all, after SIGTERM' : `status ${ended.code}, after SIGTERM`;
    this.#options.recorder.add({ kind: 'died', process: this.domain, how });
  }

  freeze(): void {
    void this.#process?.signal('SIGSTOP');
  }

  thaw(): void {
    void this.#process?.signal('SIGCONT');
  }

  /** Asks it how it does, again and again, until {@link close}. */
  watch(): void {
    let due = performance.now() + POLL_EVERY;
    this.#poll = setInterval(() => {
      const now = performance.now();
      void this.#ask(Math.max(0, now - due));
      due = now + POLL_EVERY;
    }, POLL_EVERY);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#poll);
    await this.kill();
  }

  async #ask(late: number): Promise<void> {
    const { recorder } = this.#options;
    const at = recorder.now();
    const [readiness, metrics] = await Promise.all([this.#get('/readyz'), this.#get('/metrics')]);
    const gauge = (name: string) => {
      const value = metrics?.text.match(new RegExp(`^openfire_receipts_${name} (\\d)`, 'm'))?.[1];
      return value === undefined ? undefined : value === '1';
    };
    recorder.add(
      {
        kind: 'polled',
        until: recorder.now(),
        late,
        process: this.domain,
        ready: readiness && readiness.status === 200,
        ledgerUp: gauge('ledger_up'),
        linkUp: gauge('link_up'),
        problems: readiness === undefined ? [] : problems(readiness.text),
      },
      at,
    );
  }

  async #get(path: string): Promise<{ status: number; text: string } | undefined> {
    try {
      const url = `http://127.0.0.1:${this.#options.httpPort}${path}`;
      const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN) });
      return { status: response.status, text: await response.text() };
    } catch {
      return undefined;
    }
  }
}

/** Whatever form the answer has. */
function problems(text: string): string[] {
  try {
    const { problems } = JSON.parse(text) as { problems?: unknown };
    return Array.isArray(problems) ? problems.map((it) => (typeof it === 'string' ? it : JSON.stringify(it))) : [];
  } catch {
    return [text.slice(0, 200)];
  }
}

function lastWords(output: string): string {
  return output.trimEnd().split('\n').slice(-3).join(' | ').slice(-600);
}

async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${TIMEOUT} ms in vain for ${what}`)), TIMEOUT);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
