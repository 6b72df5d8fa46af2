import { ReceiptsProxy } from '../../../src/app.ts';
import { opened } from '../process/opened.ts';
import { recorder, recordWire } from './wire-record.ts';

/** A proxy in the test's own process, which ends with the test file. */
export class TestProxy extends ReceiptsProxy {
  readonly #closed = opened('a proxy', () => this.stop(1000));

  override start(): Promise<void> {
    const record = recorder(process.env.WIRE_RECORD);
    if (record !== undefined) recordWire(this.link, record);
    return super.start();
  }

  override stop(timeout?: number): Promise<void> {
    this.#closed();
    return super.stop(timeout);
  }
}
