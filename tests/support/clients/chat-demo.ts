import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Relay } from '../peer/relay.ts';
import { opened } from '../process/opened.ts';
import { endWithUs } from '../process/temporary.ts';
import type { World } from '../stages/world.ts';
import { until } from '../time/until.ts';
import { LIGHT, type Smack } from './smack.ts';

export interface ChatDemoOptions {
  /** The file with its two lists. */
  readonly store: string;
  /** A way to the server that can be cut. */
  readonly relay?: Relay;
  /** By default a new one. */
  readonly resource?: string;
  /** Options for `java` with which it trusts the server; without them there is no TLS. */
  readonly trusts?: readonly string[] | undefined;
}

/** The example of the library for Smack (clients/smack/examples), worked as by a person at a keyboard. */
export class ChatDemo {
  /** What it has printed. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #watch: { release(): void };
  #errors = '';

  constructor(smack: Smack, world: World, name: string, options: ChatDemoOptions) {
    const { host, c2sPort, domain, passwords } = world.xmpp;
    const { store, relay, trusts, resource = world.newResource() } = options;
    const [way, port] = relay === undefined ? [host, c2sPort] : ['127.0.0.1', relay.port];
    const program = 'java';
    const account = ['--password', passwords.get(name) ?? '', '--host', way, '--port', `${port}`, '--store', store];
    if (trusts === undefined) account.push('--plain');
    const args = [...LIGHT, ...(trusts ?? []), '-cp', smack.classpath, 'ChatDemo', `${name}@${domain}`, ...account];
    this.#child = spawn(program, [...args, '--resource', resource], { detached: true });
    this.#watch = endWithUs(this.#child.pid as number, undefined);
    const closed = opened('ChatDemo', () => this.#child.kill('SIGKILL'));
    this.#child.once('exit', closed);
    this.#child.stdin?.on('error', () => {});
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => this.lines.push(line));
  }

  /** Resolves with the first line that begins so. */
  async prints(beginning: string | RegExp): Promise<string> {
    const matches = (line: string) =>
      typeof beginning === 'string' ? line.startsWith(beginning) : beginning.test(line);
    await this.#until(() => this.lines.some(matches), String(beginning));
    return this.lines.find(matches) as string;
  }

  /** How many lines begin so. */
  count(beginning: string): number {
    return this.lines.filter((line) => line.startsWith(beginning)).length;
  }

  /** Resolves with the id of the message when the program has it in its store. */
  async say(to: string, text: string): Promise<string> {
    const before = this.count('sent ');
    this.types(`${to} ${text}`);
    await this.#until(() => this.count('sent ') > before, `the id of ${text}`);
    return this.lines.filter((line) => line.startsWith('sent '))[before]?.slice('sent '.length) as string;
  }

  types(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Ends it in order. */
  async leave(): Promise<void> {
    await this.#end(() => this.#child.stdin?.end());
  }

  /** As if its machine had lost power. */
  async kill(): Promise<void> {
    await this.#end(() => this.#child.kill('SIGKILL'));
  }

  async #until(ask: () => boolean, what: string): Promise<void> {
    const hasEnded = () => this.#child.exitCode !== null;
    const fails = () => {
      // What it printed last may not have been read yet when its end is known.
      if (!hasEnded() || this.#child.stdout?.readableEnded !== true) return false;
      throw new Error(`The program has ended with ${this.#child.exitCode}, and ${what} did not come`);
    };
    await until(() => ask() || fails(), { what }).catch((error: Error) => {
      throw new Error([error.message, 'It has printed:', ...this.lines, this.#errors].join('\n'));
    });
  }

  async #end(how: () => void): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    how();
    await exit;
    this.#watch.release();
  }
}
