/** Whether a copy may lie at the server or the client: none, the last one, an earlier one; or the last one bounced. */
export type CopyOut = 'none' | 'last' | 'earlier' | 'bounced';

/** How a copy went that no receipt has come for. The letters are those that a message's life shows. */
export const HOW = {
  /** To a live session, and no more is known. */
  session: 'o',
  /** All sessions that may have had it have answered since. */
  answered: 'a',
  /** One of these has ended or passed it over: it is sent again when the others have answered. */
  inDoubt: 'k',
  /** It is to be sent again; the same, to one session alone. */
  missed: 'd',
  missedTargeted: 'T',
  /** After an earlier copy had gone to a session; the same, to one session alone. */
  again: 'g',
  againTargeted: 't',
  /** The same, and that session lived on: nothing is sent any more. */
  over: 'e',
  /** To a session whose client returns no receipts. */
  noReceipts: 'n',
  /** To offline storage. */
  stored: 's',
  /** Nowhere: he was offline and it was not to be stored, or it was for one resource alone, which was gone. */
  nowhere: 'x',
  bounced: 'b',
  /** His presence was not known. */
  unseen: '?',
  /** The same, and an earlier copy had gone out between two receipts of his: it most likely came to a session that lived. */
  passedUnseen: 'v',
} as const;
export type How = (typeof HOW)[keyof typeof HOW];

/** A copy that is out. Times in ms. */
export interface Out {
  readonly how: How;
  readonly storedAt: number;
  readonly handedAt: number;
  /** A session that a copy went to has confirmed a later message of the same conversation. */
  readonly passed: boolean;
}

export const WITH_SESSION: ReadonlySet<How> = new Set([
  HOW.session,
  HOW.answered,
  HOW.inDoubt,
  HOW.missed,
  HOW.missedTargeted,
  HOW.again,
  HOW.againTargeted,
  HOW.over,
]);

/** Those whose sessions are asked whether they are there (XEP-0199). */
export const IS_ASKED_ABOUT: ReadonlySet<How> = new Set([HOW.session, HOW.inDoubt, HOW.again, HOW.againTargeted]);

/** Those that the clock brings when nobody hears of the recipient's presence any more. */
export const ALL_UNHEARD: ReadonlySet<How> = new Set(
  Object.values(HOW).filter((how) => how !== HOW.noReceipts && how !== HOW.over),
);
/** The same of one who was never seen to confirm anything: those that have certainly not arrived. */
export const NOT_ARRIVED: ReadonlySet<How> = new Set([HOW.nowhere, HOW.bounced]);
