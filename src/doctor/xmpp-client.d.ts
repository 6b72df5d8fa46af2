// @xmpp/client ships no types; this is the part of it that the check of the set-up uses.
declare module '@xmpp/client' {
  import type { Element } from '@xmpp/xml';

  export interface AskingClient {
    on(event: 'element', listener: (element: Element) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    readonly reconnect: { stop(): void };
    readonly iqCaller: { request(stanza: Element, timeout: number): Promise<Element> };
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
  }

  export type Authenticate = (account: { username: string; password: string }, mechanism: string) => Promise<void>;

  export function client(options: {
    readonly service: string;
    readonly domain: string;
    readonly credentials: (authenticate: Authenticate, offered: readonly string[]) => Promise<void>;
  }): AskingClient;
}
