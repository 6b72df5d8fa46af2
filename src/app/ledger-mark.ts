import type { LedgerMark } from '../gate/lease-options.ts';
import { waitAtMost } from '../util/timeout.ts';
import type { StoreParts } from './compose-store.ts';

/** How long a comparison is waited for, ms: messages are held meanwhile. */
const COMPARE_WITHIN = 2000;
/** After a failure it is tried again, ms. */
const AGAIN_AFTER = 100;
const MARK = /^(\S{1,64}) (\d{1,15})$/;

/** The ledger's mark as a gate remembers it: its id and its count. */
export function composeLedgerMark({
  restored,
  monitoring: { monitor },
}: Pick<StoreParts, 'restored' | 'monitoring'>): LedgerMark {
  return {
    get mark() {
      return restored.known && `${restored.known.id} ${restored.known.count}`;
    },
    async compare(mark, age) {
      const [, id, count] = MARK.exec(mark) ?? [];
      if (id === undefined) return true;
      const seen = { id, count: Number(count) };
      const until = performance.now() + COMPARE_WITHIN;
      let isDone = false;
      const look = async () => {
        await restored.heard(seen, age);
        isDone = true;
      };
      for (let left = COMPARE_WITHIN; !isDone && left > 0; left = until - performance.now()) {
        await waitAtMost(left, look());
        if (!isDone) await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER));
      }
      if (isDone) void monitor.heard(seen);
      return isDone;
    },
  };
}
