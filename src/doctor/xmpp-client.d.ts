// @xmpp/client ships no types; this is the part of it that the check of the set-up and the trial use.
declare module '@xmpp/client' {
  import type { Element } from '@xmpp/xml';

  export interface AskingClient {
    on(event: 'element' | 'stanza', listener: (element: Element) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    prependListener(event: 'element', listener: (element: Element) => void): void;
    readonly reconnect: { stop(): void };
    readonly iqCaller: { request(stanza: Element, timeout: number): Promise<Element> };
    /** That of TCP; or of TLS, which has another in it. */
    readonly socket: { destroy?(): void; readonly socket?: { destroy(): void } } | null;
    send(stanza: Element): Promise<void>;
    /** Resolves with the address that the server has given it. */
    start(): Promise<{ toString(): string }>;
    stop(): Promise<unknown>;
  }

  export type Authenticate = (account: { username: string; password: string }, mechanism: string) => Promise<void>;

  export function client(options: {
    readonly service: string;
    readonly domain: string;
    readonly credentials: (authenticate: Authenticate, offered: readonly string[]) => Promise<void>;
  }): AskingClient;
}
