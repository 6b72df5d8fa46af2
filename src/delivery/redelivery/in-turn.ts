import type { Stored } from '../../store/contract.ts';

/** What is sent again and needs no claim, as it has ended: in its turn among the others, and what becomes of it is its own affair. */
export interface InTurn extends Stored {
  readonly key: string;
  readonly send: () => void;
}
