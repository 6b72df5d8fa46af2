import { ReceiptsProxy } from '../../../src/app.ts';
import { opened } from '../process/opened.ts';

/** A proxy in the test's own process, which ends with the test file. */
export class TestProxy extends ReceiptsProxy {
  readonly #closed = opened('a proxy', () => this.stop(1000));

  override stop(timeout?: number): Promise<void> {
    this.#closed();
    return super.stop(timeout);
  }
}
