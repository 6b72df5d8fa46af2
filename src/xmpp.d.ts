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
    write(data: string): void;
    end(data?: string): void;
  }
  // 0.13.3 is CommonJS: at run time only the default export exists.
  interface Xml {
    (name: string, attrs?: Record<string, string | undefined>, ...children: (Node | Node[])[]): Element;
    Element: typeof Element;
    Parser: typeof Parser;
    escapeXML(text: string): string;
    escapeXMLText(text: string): string;
  }
  const xml: Xml;
  export default xml;
}
declare module '@xmpp/jid' {
  export interface JID {
    local: string;
    domain: string;
    resource: string;
    bare(): JID;
    equals(other: JID): boolean;
    toString(unescape?: boolean): string;
  }
  interface Jid {
    (address: string): JID;
    (local: string | null, domain: string, resource?: string | null): JID;
    JID: new (local: string | null, domain: string, resource?: string | null) => JID;
    escapeLocal(local: string): string;
    unescapeLocal(local: string): string;
    parse(address: string): JID;
  }
  const jid: Jid;
  export default jid;
}
