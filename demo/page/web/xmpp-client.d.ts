// @xmpp/client ships no types; this is the part of it that the page uses.
declare module '@xmpp/client' {
  import type { Element, XmppClient } from '../../../packages/client/src/index.ts';

  export interface ClientOptions {
    readonly service: string;
    readonly domain: string;
    readonly resource: string;
    readonly username: string;
    readonly password: string;
  }
  export type Client = XmppClient & {
    reconnect: { delay: number };
    on(event: 'error', listener: (error: Error) => void): unknown;
    on(event: 'status', listener: (status: string) => void): unknown;
    on(event: 'send', listener: (stanza: Element) => void): unknown;
    readonly streamManagement: { on(event: 'resumed', listener: () => void): unknown };
    start(): Promise<unknown>;
  };
  export function client(options: ClientOptions): Client;
  export function xml(
    name: string,
    attrs?: Record<string, string | undefined>,
    ...children: (Element | string)[]
  ): Element;
}

declare module '*.css';
