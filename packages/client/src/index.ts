// Reliable chat for `@xmpp/client`, in browsers and in Node: docs/client.md.
export { ReceiptsClient, receiptsClient } from './client.ts';
export type { ReceiptsEvent, ReceiptsEvents } from './events.ts';
export { indexedDbStore } from './indexed-db-store.ts';
export { memoryStore } from './memory-store.ts';
export type { MessageHandler } from './receiver.ts';
export type { Sending } from './sender.ts';
export {
  type AutoReceipt,
  type Element,
  type Failure,
  type IncomingMessage,
  type OutgoingMessage,
  type Problem,
  type ReceiptsOptions,
  SendError,
  type State,
  type Store,
  type Tracked,
  type XmppClient,
} from './types.ts';
