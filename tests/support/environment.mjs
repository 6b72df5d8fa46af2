import path from 'node:path';
import { TestEnvironment } from 'jest-environment-node';

const NAME = Symbol.for('openfire-receipts.opened');
/** ms that closing what a test file has left may take. */
const TIMEOUT = 5000;

/** Node asks the process itself for it, which the sandbox of a test file is not. */
const UNCHECKED = 'NODE_TLS_REJECT_UNAUTHORIZED';

// jest gives a worker that has nothing left to do half a second to end, and else says that tests leak. Node first frees its heap piece
// by piece, which of several hundred MB takes about as long; who ends by himself leaves that to the system.
process.once('beforeExit', () => process.exit());

/** A server that the environment names (`E2E_…`) may want TLS, with a certificate of its own that nobody has signed. */
function isAgainstForeignServer(file) {
  return process.env.E2E_XMPP_HOST !== undefined && file.includes(`${path.sep}e2e${path.sep}`);
}

/** jest's own, which closes what a test file has left open: see opened.ts. */
export default class ClosingEnvironment extends TestEnvironment {
  #file;

  constructor(config, context) {
    // Before the sandbox has its copy of the variables: a program that a test starts with them needs it as well.
    if (isAgainstForeignServer(context.testPath)) process.env[UNCHECKED] = '0';
    else delete process.env[UNCHECKED];
    super(config, context);
    this.#file = context.testPath;
  }

  async handleTestEvent({ name }) {
    // While the sandbox still stands: closing may import something.
    if (name === 'run_finish') await this.#close();
  }

  async teardown() {
    // Of a file that did not get as far as running.
    await this.#close();
    await super.teardown();
  }

  async #close() {
    const left = this.global?.[NAME];
    if (left === undefined || left.size === 0) return;
    const all = [...left].reverse();
    left.clear();
    process.stderr.write(`${this.#file} has left open: ${all.map(({ what }) => what).join(', ')}\n`);
    let timer;
    const tooLate = new Promise((resolve) => {
      timer = setTimeout(resolve, TIMEOUT);
    });
    for (const { close } of all) {
      const closing = Promise.resolve()
        .then(close)
        .catch(() => {});
      await Promise.race([closing, tooLate]);
    }
    clearTimeout(timer);
  }
}
