import xml, { type Element } from '@xmpp/xml';
import { MarkupFilter } from '../../../src/xmpp/connection/markup-filter.ts';

/** The parser of @xmpp/xml behind our filter, strict as ours is about what ends and what stands where: what ours is compared with. */
export class LibraryParser extends xml.Parser {
  readonly #filter = new MarkupFilter();
  #open: Element[] = [];

  override write(text: string): void {
    super.write(this.#filter.filter(text));
  }

  override onStartElement(name: string, attrs: Record<string, string>): void {
    const element = new xml.Element(name, attrs);
    const depth = this.#open.push(element);
    if (depth === 1 && this.root !== null) throw new Error('A second stream in one');
    if (depth === 1) this.root = element;
    else if (depth === 2) element.parent = this.root;
    else this.#open[depth - 2]?.append(element);
  }

  override onEndElement(name: string): void {
    const ended = this.#open.pop();
    if (ended?.name !== name) throw new Error(`</${name}> ends nothing`);
    if (this.#open.length === 1) this.emit('element', ended);
  }

  override onText(text: string): void {
    if (this.#open.length > 1) this.#open.at(-1)?.children.push(text);
    else if (text.trim() !== '') throw new Error('Text between stanzas');
  }
}
