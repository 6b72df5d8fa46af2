import { TestEnvironment } from 'jest-environment-node';

const NAME = Symbol.for('openfire-receipts.opened');
/** ms that closing what a test file has left may take. */
const PATIENCE = 5000;

/** jest's own, which closes what a test file has left open: see opened.ts. */
export default class ClosingEnvironment extends TestEnvironment {
  #file;

  constructor(config, context) {
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
      timer = setTimeout(resolve, PATIENCE);
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
