// @xmpp/client ships no types; this is the part of it that the examples use, beside that of the library.
declare module '@xmpp/client' {
  import type { XmppClient } from 'openfire-receipts-client';

  export interface Client extends XmppClient {
    on(event: 'error', listener: (error: Error) => void): unknown;
    on(event: string, listener: (value: never) => void): unknown;
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
  }
  export function client(options: { service: string; domain: string; username: string; password: string }): Client;
}
