import xml, { type Element } from '@xmpp/xml';
import { UnreadableError } from './link-problem.ts';
import { MarkupFilter } from './markup-filter.ts';

export interface ParserLimits {
  /** Bytes of one stanza. Checked at the end of each chunk, so that a chunk (64 KiB) more may pass. */
  readonly maxBytes: number;
  /** Levels of elements in one stanza. */
  readonly maxDepth: number;
}

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

/**
 * The parser of @xmpp/xml, with limits, and without its fault with CDATA ({@link MarkupFilter}). A stanza that is too large or too deep is skipped, since closing the link for
 * it would lose others, and would do so again when its sender tries again.
 */
export class GuardedParser extends xml.Parser {
  readonly #limits: ParserLimits;
  readonly #onOversized: (oversized: OversizedStanza) => void;
  /** Open elements; 1 is the stream. */
  #depth = 0;
  /** The open stanza, and its bytes in the chunks after the one that it began in. */
  #top: Element | undefined;
  #bytes = 0;
  #skipping = false;
  readonly #markup = new MarkupFilter();
  /** What came after the last tag's end. */
  #rest = '';
  /** Whether the tokenizer reported anything in this chunk, and bytes since it last did. */
  #heard = false;
  #silent = 0;

  constructor(limits: ParserLimits, onOversized: (oversized: OversizedStanza) => void) {
    super();
    this.#limits = limits;
    this.#onOversized = onOversized;
  }

  /** @throws {UnreadableError} or what the tokenizer throws, such as for an unknown entity */
  override write(chunk: string): void {
    const top = this.#top;
    this.#heard = false;
    this.#tokenize(this.#markup.filter(chunk));
    if (this.#heard && (top === undefined || top !== this.#top)) {
      this.#bytes = 0;
      this.#silent = 0;
      return;
    }
    const bytes = Buffer.byteLength(chunk);
    this.#silent = this.#heard ? 0 : this.#silent + bytes;
    if (top !== undefined) {
      this.#bytes += bytes;
      if (this.#bytes > this.#limits.maxBytes) this.#skip();
    }
    if (this.#silent > this.#limits.maxBytes * TAG_FACTOR) {
      throw new UnreadableError(`Nothing that ends within ${this.#silent} bytes`);
    }
  }

  /**
   * Gives the tokenizer whole tags with the text before them. In a text or an attribute that goes on in the next chunk,
   * ltx looks through all of the chunk again for each of its characters: a stanza of 1 MB would take seconds.
   */
  #tokenize(chunk: string): void {
    const end = chunk.lastIndexOf('>') + 1;
    if (end === 0) this.#rest += chunk;
    else {
      const whole = this.#rest + chunk.slice(0, end);
      this.#rest = chunk.slice(end);
      super.write(whole);
    }
  }

  override onStartElement(name: string, attrs: Record<string, string>): void {
    this.#heard = true;
    this.#depth += 1;
    if (this.#skipping) return;
    const element = new xml.Element(name, attrs);
    if (this.#depth === 1) {
      if (this.root !== null) throw new UnreadableError('A second stream in one');
      this.root = element;
      this.emit('start', element);
    } else if (this.#depth === 2) {
      // The stream does not keep its stanzas, but they inherit its namespaces.
      element.parent = this.root;
      this.#top = element;
    } else if (this.#depth > this.#limits.maxDepth + 1) {
      this.#skip();
      return;
    } else this.cursor?.append(element);
    this.cursor = element;
  }

  override onEndElement(name: string): void {
    this.#heard = true;
    const { cursor } = this;
    if (!this.#skipping && name !== cursor?.name) throw new UnreadableError(`</${name}> ends nothing`);
    this.#depth -= 1;
    if (this.#depth === 0) this.emit('end', cursor);
    else if (this.#depth === 1) this.#stanza();
    else if (!this.#skipping) this.cursor = cursor?.parent ?? null;
  }

  override onText(text: string): void {
    this.#heard = true;
    if (this.#depth > 1) {
      if (!this.#skipping) this.cursor?.children.push(text);
    } else if (text.trim() !== '') throw new UnreadableError('Text between stanzas');
    // The rest is white space that keeps the connection alive (RFC 6120 section 4.6.1); ltx would keep all of it.
  }

  #stanza(): void {
    const top = this.#top as Element;
    const skipped = this.#skipping;
    this.#top = undefined;
    this.#skipping = false;
    this.cursor = this.root;
    if (skipped) this.#onOversized({ name: top.name, attrs: top.attrs });
    else this.emit('element', top);
  }

  /** Forgets the open stanza but for its top, and waits for its end. */
  #skip(): void {
    this.#skipping = true;
    if (this.#top) this.#top.children = [];
    this.cursor = this.root;
    if (this.#rest.includes('<')) return;
    this.#rest = '';
    this.#silent = 0;
  }
}
