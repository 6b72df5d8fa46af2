import type { LedgerMark } from '../gate/lease-options.ts';
import { waitAtMost } from '../util/timeout.ts';
import type { StoreParts } from './compose-store.ts';

/** How long a comparison is waited for, ms: while Redis does not answer nothing is sent anyway, and messages are held meanwhile. */
const COMPARE_WITHIN = 1000;
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
    async compare(mark) {
      const [, id, count] = MARK.exec(mark) ?? [];
      if (id === undefined) return;
      const seen = { id, count: Number(count) };
      monitor.heard(seen);
      await waitAtMost(COMPARE_WITHIN, restored.heard(seen));
      void monitor.check();
    },
  };
}
