// @xmpp/client ships no types; this is the part of it that the test users use.
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';
  import type { Element } from '@xmpp/xml';

  export interface ClientOptions {
    service: string;
    domain: string;
    resource?: string | undefined;
    credentials(authenticate: (credentials: Credentials, mechanism: string) => Promise<void>): Promise<void>;
  }
  export interface Credentials {
    username: string;
    password: string;
  }
  export interface Client extends EventEmitter {
    jid: { toString(): string; bare(): { toString(): string } };
    socket: Socket | null;
    status: string;
    /** ms; how long it waits for each step of a start or an end. */
    timeout: number;
    reconnect: { delay: number; stop(): void; reconnect(): Promise<void> };
    iqCaller: { request(stanza: Element, timeoutMs?: number): Promise<Element> };
    streamManagement: EventEmitter & {
      enabled: boolean;
      inbound: number;
      enableSent: boolean;
      outbound_q: { stanza: Element }[];
    };
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
    send(element: Element): Promise<void>;
    write(text: string): Promise<void>;
    parser: object | null;
    _attachSocket(socket: Socket): void;
    _onData(data: string): void;
    _onElement(element: Element): void;
    disconnect(): Promise<unknown>;
  }
  export function client(options: ClientOptions): Client;
}
