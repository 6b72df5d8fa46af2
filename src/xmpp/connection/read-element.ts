import xml, { type Element, type Node } from '@xmpp/xml';
import { isWrittenAsItCame, readChildTag, startTag, textOfMarkup } from './start-tag.ts';

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

const SLASH = 47;

/**
 * Makes all that is in an element, at any depth. The parser has found it sound. What has no elements in it is as the parser makes a
 * stanza's children: a gate's events have whole messages in them, whose children are wanted as they are written.
 */
function fill(element: Element, content: string): void {
  let open = element;
  /** Where the content of the open one begins and how its tag is written, while no element was met in it. */
  let begins = -1;
  let written: string | undefined;
  for (let at = 0; at < content.length; ) {
    const tag = content.indexOf('<', at);
    const end = tag === -1 ? content.length : tag;
    const isEnd = tag !== -1 && content.charCodeAt(tag + 1) === SLASH;
    if (isEnd && begins !== -1) endLeaf(open as ReadElement, content.slice(begins, tag), written);
    else if (end > at) open.children.push(textOfMarkup(content.slice(at, end)));
    if (tag === -1) return;
    begins = -1;
    if (isEnd) {
      open = open.parent as Element;
      at = content.indexOf('>', tag) + 1;
      continue;
    }
    readChildTag(content, tag);
    at = startTag.end;
    const child = new ReadElement(startTag.name, startTag.attrs);
    child.parent = open;
    open.children.push(child);
    if (startTag.isEmpty) endLeaf(child, '', startTag.written);
    else {
      open = child;
      begins = at;
      written = startTag.written;
    }
  }
}

/** @param tag how its start tag is written, without its end; undefined where that is not simply known */
export function endLeaf(element: ReadElement, content: string, tag: string | undefined): void {
  element.content = content;
  if (tag === undefined) return;
  if (content === '') element.written = `${tag}/>`;
  else if (isWrittenAsItCame(content)) element.written = `${tag}>${content}</${element.name}>`;
}
