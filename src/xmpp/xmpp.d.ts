// @xmpp/component 0.13 ships no types (and DefinitelyTyped has none for it); this is the part of it that we use.
declare module '@xmpp/xml' {
  export type Node = Element | string;
  export class Element {
    constructor(name: string, attrs?: Record<string, string | undefined>);
    name: string;
    parent: Element | null;
    attrs: Record<string, string>;
    children: Node[];
    is(name: string, xmlns?: string): boolean;
    getName(): string;
    getNS(): string | undefined;
    getChild(name: string, xmlns?: string): Element | undefined;
    getChildren(name: string, xmlns?: string): Element[];
    getChildElements(): Element[];
    getChildText(name: string, xmlns?: string): string | null;
    getText(): string;
    append(...nodes: Node[]): void;
    toString(): string;
  }
  export class Parser {
    on(event: 'start' | 'element' | 'end', listener: (element: Element) => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    emit(event: string, ...args: unknown[]): boolean;
    write(data: string): void;
    end(data?: string): void;
    // Not documented; component-library.ts says what each is overridden for.
    root: Element | null;
    cursor: Element | null;
    onStartElement(name: string, attrs: Record<string, string>): void;
    onEndElement(name: string): void;
    onText(text: string): void;
  }
  // 0.13.3 is CommonJS: at run time only the default export exists.
  interface Xml {
    (name: string, attrs?: Record<string, string | undefined>, ...children: (Node | Node[])[]): Element;
    Element: typeof Element;
    Parser: typeof Parser;
    escapeXML(text: string): string;
    escapeXMLText(text: string): string;
    /** Throws at a reference that it does not know. */
    unescapeXML(text: string): string;
  }
  const xml: Xml;
  export default xml;
}
declare module '@xmpp/component' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';
  import type { Element, Parser } from '@xmpp/xml';

  export interface ComponentOptions {
    service: string;
    domain: string;
    password: string;
  }
  /** The entity. Most of it is not documented: component-library.ts says what each member is used for, and checks it. */
  export interface Component extends EventEmitter {
    /** ms; the time-out of each of its own waits. */
    timeout: number;
    socket: Socket | null;
    parser: Parser | null;
    Parser: new () => Parser;
    reconnect: { stop(): void };
    open(options: { domain: string }): Promise<Element>;
    authenticate(id: string, secret: string): Promise<void>;
    headerElement(): Element;
    footer(): string;
    _attachSocket(socket: Socket): void;
    _onData(data: Buffer): void;
    _onElement(element: Element): void;
    _onParserError(error: Error): void;
  }
  interface ComponentModule {
    component(options: ComponentOptions): Component;
  }
  const module: ComponentModule;
  export default module;
}
