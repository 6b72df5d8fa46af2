import xml from '@xmpp/xml';
import { textOf } from '../../util/octets.ts';
import { UnreadableError } from './link-problem.ts';
import { MarkupFilter } from './markup-filter.ts';
import { endLeaf, ReadElement } from './read-element.ts';
import { readChildTag, readStartTag, startTag, textOfMarkup } from './start-tag.ts';

export interface ParserLimits {
  /** Bytes of one stanza. Checked at the end of each chunk, so that a chunk (64 KiB) more may pass. */
  readonly maxBytes: number;
  /** Levels of elements in one stanza. */
  readonly maxDepth: number;
}

type Namespaces = Pick<ReadonlySet<string | undefined>, 'has'>;

/** The top of a stanza that was skipped. */
export interface OversizedStanza {
  readonly name: string;
  readonly attrs: Record<string, string>;
}

/**
 * A tag is kept until it ends, wanted or not. One that is so many times `maxBytes` long is the stream's fault, not a
 * stanza's; what is swallowed without end, such as a comment, ends there too.
 */
const TAG_FACTOR = 4;

/** How many elements are open in one that stands in a stanza's child, itself among them. */
const LEFT = 4;

const SLASH = 47;
const CLOSES = 62;

/**
 * Reads the stream, with limits. It takes octets, and gives elements ({@link ReadElement}): what is in a stanza's children is found
 * sound and kept as it came. It stands in for the parser of @xmpp/xml, which is slower and loses what follows a CDATA section
 * ({@link MarkupFilter}). A stanza that is too large or too deep is skipped, since closing the link for it would lose others, and
 * would do so again when its sender tries again.
 */
export class GuardedParser extends xml.Parser {
  readonly #limits: ParserLimits;
  readonly #onOversized: (oversized: OversizedStanza) => void;
  /** Names of the open elements, as octets; the first is the stream. */
  readonly #open: string[] = [];
  /** The open stanza, and its bytes in the chunks after the one that it began in. */
  #top: ReadElement | undefined;
  #bytes = 0;
  #skipping = false;
  /** The open child of the stanza; what of its content was in texts before this one, and where it goes on in this one. */
  #child: ReadElement | undefined;
  #before = '';
  #from = 0;
  /** How the tag of the child, or of {@link #open}'s last in a whole one, is written; undefined where that is not simply known. */
  #written: string | undefined;
  readonly #isWhole: Namespaces;
  /** The innermost open element of a child that is read whole; the text in it, while no element was met there. */
  #inner: ReadElement | undefined;
  #leaf: string | undefined;
  /** The element in such a child of which nothing is read any more, as it has what is too deep. */
  #left: ReadElement | undefined;
  readonly #markup = new MarkupFilter();
  /** A tag or a text that has not ended yet. */
  #rest = '';
  /** Whether anything was read in this chunk, and bytes since it last was. */
  #heard = false;
  #silent = 0;

  /** @param whole namespaces of stanzas' children that are looked into in any case: all in them is made as it is read */
  constructor(
    limits: ParserLimits,
    onOversized: (oversized: OversizedStanza) => void,
    whole: Namespaces = new Set<undefined>(),
  ) {
    super();
    this.#isWhole = whole;
    this.#limits = limits;
    this.#onOversized = onOversized;
  }

  /**
   * @param chunk octets, wherever they were cut
   * @throws {UnreadableError} or what ltx throws at a reference that it does not know
   */
  override write(chunk: string): void {
    const top = this.#top;
    this.#heard = false;
    this.#tokenize(this.#markup.filter(chunk));
    if (this.#heard && (top === undefined || top !== this.#top)) {
      this.#bytes = 0;
      this.#silent = 0;
      return;
    }
    this.#silent = this.#heard ? 0 : this.#silent + chunk.length;
    if (top !== undefined) {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#limits.maxBytes) this.#skip();
    }
    if (this.#silent > this.#limits.maxBytes * TAG_FACTOR) {
      throw new UnreadableError(`Nothing that ends within ${this.#silent} bytes`);
    }
  }

  /** Reads nothing before a tag ends: a text of 1 MB in small chunks would be looked through for each of them. */
  #tokenize(chunk: string): void {
    if (!chunk.includes('>')) {
      this.#rest += chunk;
      return;
    }
    const text = this.#rest + chunk;
    const end = this.read(text);
    this.#rest = end === text.length ? '' : text.slice(end);
  }

  /** Reads tags with the text before each. Gives the place of what has not ended. */
  protected read(text: string): number {
    this.#from = 0;
    let at = 0;
    while (at < text.length) {
      const open = text.indexOf('<', at);
      if (open === -1) break;
      if (open > at) this.#text(text, at, open);
      at = open;
      if (text.charCodeAt(open + 1) === SLASH) {
        let end = open + 2;
        while (end < text.length && text.charCodeAt(end) !== CLOSES) end += 1;
        if (end === text.length) break;
        this.#end(text, open, end);
        at = end + 1;
      } else {
        if (!(this.#open.length < 2 ? readStartTag(text, open, false) : readChildTag(text, open))) break;
        at = startTag.end;
        this.#start();
      }
    }
    if (this.#child !== undefined) this.#before += text.slice(this.#from, at);
    return at;
  }

  #start(): void {
    this.#heard = true;
    const { name, attrs, isEmpty, end } = startTag;
    const depth = this.#open.length + 1;
    if (this.#skipping || this.#left !== undefined) {
      if (!isEmpty) this.#open.push(name);
      return;
    }
    if (depth === 1) {
      if (this.root !== null) throw new UnreadableError('A second stream in one');
      this.root = new xml.Element(name, attrs);
      this.emit('start', this.root);
    } else if (depth === 2) {
      const top = new ReadElement(name, attrs);
      // The stream does not keep its stanzas, but they inherit its namespaces.
      top.parent = this.root;
      this.#top = top;
    } else if (depth > this.#limits.maxDepth + 1) {
      if (this.#inner === undefined) this.#skip();
      else this.#leaveOut(this.#inner);
    } else if (depth === 3) {
      const child = new ReadElement(name, attrs);
      const top = this.#top as ReadElement;
      child.parent = top;
      top.children.push(child);
      if (isEmpty) {
        if (startTag.written !== undefined) child.written = `${startTag.written}/>`;
        return;
      }
      this.#written = startTag.written;
      if (this.#isWhole.has(attrs.xmlns)) this.#within(child);
      else {
        this.#child = child;
        this.#before = '';
        this.#from = end;
      }
    } else if (this.#inner !== undefined) {
      this.#startInner(this.#inner);
      if (isEmpty) return;
    } else this.#written = undefined;
    this.#open.push(name);
    if (isEmpty) this.#close();
  }

  #end(text: string, open: number, end: number): void {
    this.#heard = true;
    const depth = this.#open.length;
    if (!this.#skipping) {
      const name = this.#open[depth - 1];
      let last = end;
      while (text.charCodeAt(last - 1) <= 32) last -= 1;
      const octets = text.slice(open + 2, last);
      // Names are ASCII as a rule.
      if (octets !== name && (name === undefined || textOf(octets) !== name))
        throw new UnreadableError(`</${textOf(octets)}> ends nothing`);
      if (this.#left !== undefined) this.#endLeft(this.#left);
      else if (this.#inner !== undefined) this.#endInner(this.#inner);
      else if (depth === 3) this.#endChild(text.slice(this.#from, open));
    }
    this.#close();
  }

  #within(element: ReadElement): void {
    this.#inner = element;
    this.#leaf = '';
  }

  /** Below a child that is read whole. */
  #startInner(parent: ReadElement): void {
    const { name, attrs, isEmpty, written } = startTag;
    // What it begins with is text before an element.
    if (this.#leaf !== undefined && this.#leaf !== '') parent.content = this.#leaf;
    this.#leaf = undefined;
    const element = new ReadElement(name, attrs);
    element.parent = parent;
    parent.children.push(element);
    if (isEmpty) endLeaf(element, '', written);
    else {
      this.#within(element);
      this.#written = written;
    }
  }

  #endInner(element: ReadElement): void {
    if (this.#leaf !== undefined) endLeaf(element, this.#leaf, this.#written);
    this.#leaf = undefined;
    this.#inner = element.parent === this.#top ? undefined : (element.parent as ReadElement);
  }

  /** Of a child that is read whole: what has nothing to do with what is too deep is heard. */
  #leaveOut(within: ReadElement): void {
    let left = within;
    while (left.parent?.parent !== this.#top) left = left.parent as ReadElement;
    left.children = [];
    this.#left = left;
    this.#leaf = undefined;
  }

  #endLeft(left: ReadElement): void {
    if (this.#open.length !== LEFT) return;
    this.#left = undefined;
    this.#inner = left.parent as ReadElement;
  }

  #endChild(last: string): void {
    const child = this.#child as ReadElement;
    endLeaf(child, this.#before === '' ? last : this.#before + last, this.#written);
    this.#before = '';
    this.#child = undefined;
  }

  /** The innermost open element has ended. */
  #close(): void {
    this.#open.pop();
    const depth = this.#open.length;
    if (depth === 0) this.emit('end', this.root);
    else if (depth === 1) this.#stanza();
  }

  #text(text: string, at: number, end: number): void {
    this.#heard = true;
    const depth = this.#open.length;
    const octets = text.slice(at, end);
    // What it says is read later, or never; whether its references are known must be said now.
    const said = depth <= 2 || octets.includes('&') ? textOfMarkup(octets) : octets;
    // The white space that keeps the connection alive (RFC 6120 section 4.6.1) is for nobody.
    if (depth <= 1) {
      if (said.trim() !== '') throw new UnreadableError('Text between stanzas');
    } else if (depth === 2 && !this.#skipping) (this.#top as ReadElement).children.push(said);
    else if (this.#left !== undefined) return;
    else if (this.#leaf !== undefined) this.#leaf = octets;
    else this.#inner?.children.push(textOfMarkup(octets));
  }

  #stanza(): void {
    const top = this.#top as ReadElement;
    const skipped = this.#skipping;
    this.#top = undefined;
    this.#skipping = false;
    if (skipped) this.#onOversized({ name: top.name, attrs: top.attrs });
    else this.emit('element', top);
  }

  /** Forgets the open stanza but for its top, and waits for its end. */
  #skip(): void {
    this.#skipping = true;
    if (this.#top) this.#top.children = [];
    this.#child = undefined;
    this.#inner = undefined;
    this.#leaf = undefined;
    this.#left = undefined;
    this.#before = '';
    if (this.#rest.includes('<')) return;
    this.#rest = '';
    this.#silent = 0;
  }
}
