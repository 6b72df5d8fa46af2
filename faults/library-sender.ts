import { LibraryUser } from '../tests/support/client-library/library-user.ts';
import type { World } from '../tests/support/stages/world.ts';
import type { Message, Recorder } from './history.ts';
import type { Mode } from './mode.ts';
import type { Sender } from './senders.ts';

/** Somebody with the client library, which sends again by itself. */
export class LibrarySender implements Sender {
  readonly temper = 'library';
  #user: LibraryUser | undefined;
  /** Which process each message goes to, all its copies. */
  readonly #process = new Map<string, string>();

  readonly #unanswered = new Set<string>();

  constructor(
    readonly world: World,
    readonly name: string,
    readonly account: string,
    readonly domains: readonly string[],
    readonly mode: Mode,
    readonly recorder: Recorder,
    /** Messages on their way; by default as many as the library lets. */
    readonly maxInFlight?: number,
  ) {}

  get unanswered(): readonly string[] {
    return [...this.#unanswered];
  }

  async open(): Promise<void> {
    const { world, name, account, recorder } = this;
    // Where a gate holds messages, it finds the component by itself.
    const component = this.mode === 'transparent' ? {} : { component: this.domains[0] as string };
    const inFlight = this.maxInFlight === undefined ? {} : { maxInFlight: this.maxInFlight };
    const options = { ...component, ...inFlight, resendAfter: 3000, resource: name };
    const user = await LibraryUser.login(world, account, options);
    this.#user = user;
    const { receipts } = user;
    receipts.addEventListener('state', ({ detail: { id, state } }) => {
      if (state === 'sent') this.#wrote(id);
    });
    receipts.addEventListener('resend', ({ detail: { id } }) => this.#wrote(id));
    receipts.addEventListener('stored', ({ detail: { id, storedBy } }) => {
      this.#unanswered.delete(id);
      if (storedBy !== 'proxy') return;
      recorder.add({ kind: 'acknowledged', message: id, process: this.#process.get(id) as string });
    });
    receipts.addEventListener('delivered', ({ detail: { id } }) => {
      this.#unanswered.delete(id);
      recorder.add({ kind: 'notified', message: id, what: 'delivered' });
    });
    receipts.addEventListener('failed', ({ detail: { id, failure } }) => {
      this.#unanswered.delete(id);
      // The proxy knows nothing of what it had acknowledged: no word about its end, but the loss itself.
      if (failure?.reason === 'forgotten') return;
      const what = failure?.reason === 'unconfirmed' ? 'unconfirmed' : 'failed';
      recorder.add({ kind: 'notified', message: id, what, condition: failure?.condition ?? failure?.reason });
    });
  }

  async write({ id, recipient, body }: Message): Promise<void> {
    const process = this.domains[0] as string;
    this.#process.set(id, process);
    this.#unanswered.add(id);
    const domain = this.mode === 'transparent' ? this.world.xmpp.domain : process;
    // How it ends is told by events.
    this.#user?.receipts.send({ to: `${recipient}@${domain}`, id, body }).catch(() => {});
  }

  async ask(): Promise<void> {
    // It asks by itself when it comes back.
  }

  async close(): Promise<void> {
    await this.#user?.close();
  }

  #wrote(id: string): void {
    const process = this.#process.get(id);
    if (process !== undefined) this.recorder.add({ kind: 'wrote', message: id, process });
  }
}
