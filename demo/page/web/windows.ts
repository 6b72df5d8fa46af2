import { find, h } from './dom.ts';
import { inWords, t } from './language.ts';
import type { Health, Name } from './server.ts';
import { type Order, send } from './wire.ts';

/** A chat window: a document of its own with a client of its own, as a browser's tab is one. */
export class ChatWindow {
  readonly #name: Name;
  readonly #place: HTMLElement;
  readonly #mark = h('p', { class: 'line' });
  #line: Health['network'] = 'open';
  #frame: HTMLIFrameElement | undefined;

  constructor(name: Name) {
    this.#name = name;
    this.#place = find(`.window[data-name=${name}]`);
    inWords(() => this.#write());
  }

  get isOpen(): boolean {
    return this.#frame !== undefined;
  }

  open(): void {
    this.#frame ??= h('iframe', { src: `/person#${this.#name}` });
    this.#write();
  }

  /** As the browser does with a tab: its program ends wherever it is, and its connection with it. */
  close(): void {
    this.#frame = undefined;
    this.#write();
  }

  /** Shows how its network is: the window itself may believe that all is well. */
  stand(line: Health['network']): void {
    if (line === this.#line) return;
    this.#line = line;
    this.#write();
  }

  order(order: Order): void {
    const window = this.#frame?.contentWindow;
    if (window) send(window, { order });
  }

  #write(): void {
    const values = { name: t(this.#name) };
    this.#place.dataset.line = this.#line;
    this.#mark.hidden = this.#line === 'open' || this.#frame === undefined;
    this.#mark.textContent = this.#mark.hidden ? '' : t(this.#line === 'cut' ? 'lineCut' : 'lineFrozen');
    if (this.#frame !== undefined) {
      this.#frame.title = t('windowOf', values);
      // A frame that is put in its place again would be loaded again.
      if (this.#frame.parentElement !== this.#place) this.#place.replaceChildren(this.#frame, this.#mark);
      return;
    }
    const words = [h('strong', {}, t('tabClosed', values)), h('span', {}, t('tabClosedHint', values))];
    this.#place.replaceChildren(h('p', { class: 'closed' }, ...words));
  }
}
