import xml, { type Element, type Node } from '@xmpp/xml';
import { readContent } from './start-tag.ts';

/**
 * An element as the parser makes it: its children are made when they are looked at. Of most messages nobody looks at what is in
 * their children.
 */
export interface ReadElement extends Element {
  /** What is between its tags, in octets; undefined once its children are made. */
  content: string | undefined;
  /** The element as `serialize` (xml.ts) writes it, in octets, where it has no elements in it. Not after a change to it. */
  written: string | undefined;
}

interface Made {
  made: Node[] | undefined;
}

type ReadElementConstructor = new (name: string, attrs: Record<string, string>) => ReadElement;

// Not a class: the constructor of ltx copies the attributes, and sets the children.
function Constructor(this: ReadElement & Made, name: string, attrs: Record<string, string>): void {
  this.name = name;
  this.parent = null;
  this.attrs = attrs;
  this.content = undefined;
  this.written = undefined;
  this.made = undefined;
}

Constructor.prototype = Object.create(xml.Element.prototype, {
  constructor: { value: Constructor },
  children: {
    get(this: ReadElement & Made): Node[] {
      if (this.made === undefined) {
        const { content } = this;
        this.made = [];
        this.content = undefined;
        if (content !== undefined && content !== '') fill(this, content);
      }
      return this.made;
    },
    set(this: ReadElement & Made, children: Node[]) {
      this.content = undefined;
      this.made = children;
    },
  },
});

export const ReadElement = Constructor as unknown as ReadElementConstructor;

/** Makes all that is in an element, at any depth. The parser has found it sound. */
function fill(element: Element, content: string): void {
  let open = element;
  readContent(content, {
    text(text) {
      open.children.push(text);
    },
    start(name, attrs) {
      const child = new xml.Element(name, attrs);
      open.append(child);
      open = child;
    },
    end() {
      open = open.parent as Element;
    },
  });
}
