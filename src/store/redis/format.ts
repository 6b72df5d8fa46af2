/** How a ledger is written; a version that knows less must leave it alone. Before it had shards, this number was not kept. */
export const LEDGER_FORMAT = 6;
