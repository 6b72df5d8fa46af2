import type { State, Tracked } from '../../../packages/client/src/index.ts';
import { find, h, sign } from './dom.ts';
import type { Shown } from './history.ts';
import { inWords, shortClock, t } from './language.ts';
import { LifePanel, reasonOf } from './life.ts';
import type { Name } from './server.ts';
import type { Word } from './words.ts';

const WORD_OF = {
  queued: 'stateQueued',
  sent: 'stateSent',
  stored: 'stateStored',
  delivered: 'stateDelivered',
  failed: 'stateFailed',
} as const satisfies Record<State, Word>;

/** Pixels that the end may be away. */
const NEAR = 40;

interface Bubble {
  readonly shown: Shown;
  write(): void;
}

/** The messages of a window, as a list. */
export class Talk {
  readonly #self: Name;
  readonly #other: Name;
  readonly #box = find('.talk');
  readonly #list = find('.talk ol');
  readonly #bubbles = new Map<string, Bubble>();
  #scrolling = false;
  #atEnd = true;
  #top = 0;

  constructor(self: Name, other: Name) {
    this.#self = self;
    this.#other = other;
    // Without a mouse it is scrolled by the keys.
    this.#box.tabIndex = 0;
    this.#box.classList.add('empty');
    // Whoever reads the newest goes on doing so, at another size and when a life is opened; who reads on is left alone.
    this.#box.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = this.#box;
      const isNear = scrollHeight - scrollTop - clientHeight < NEAR;
      // Only a reader scrolls up. Ours down falls short of the end when more has come meanwhile.
      if (isNear || scrollTop < this.#top) this.#atEnd = isNear;
      this.#top = scrollTop;
    });
    const resized = new ResizeObserver(() => this.#atEnd && this.#toEnd());
    resized.observe(this.#box);
    resized.observe(this.#list);
    inWords(() => {
      this.#box.setAttribute('aria-label', t('messagesOf', { name: t(self) }));
      this.#box.dataset.empty = t('empty');
      for (const bubble of this.#bubbles.values()) bubble.write();
    });
  }

  show(shown: Shown): void {
    const bubble = this.#bubble(shown);
    this.#bubbles.set(keyOf(shown), bubble);
    bubble.write();
    if (shown.mine || this.#atEnd) this.#toEnd();
  }

  /** Something is known of a message of one's own. */
  update(tracked: Tracked): void {
    const bubble = this.#bubbles.get(`mine ${tracked.id}`);
    if (bubble === undefined) return;
    bubble.shown.tracked = tracked;
    bubble.write();
  }

  rewrite(shown: Shown): void {
    this.#bubbles.get(keyOf(shown))?.write();
  }

  #bubble(shown: Shown): Bubble {
    const { mine, body } = shown;
    const id = `life-${this.#bubbles.size}`;
    const life = new LifePanel(id, shown, mine ? [this.#self, this.#other] : [this.#other, this.#self]);
    const state = h('button', { type: 'button', class: 'state', 'aria-expanded': 'false', 'aria-controls': id });
    const reason = h('p', { class: 'reason' });
    const item = h(
      'li',
      { class: mine ? 'mine' : 'theirs' },
      h('p', { class: 'body' }, body),
      state,
      reason,
      life.element,
    );
    item.dataset.id = shown.id;
    const toggle = () => {
      const open = life.toggle();
      state.setAttribute('aria-expanded', String(open));
      item.classList.toggle('open', open);
    };
    state.addEventListener('click', toggle);
    // For a mouse the whole message is the button; a text that is being marked stays closed.
    find('.body', item).addEventListener('click', () => getSelection()?.isCollapsed && toggle());
    this.#list.append(item);
    this.#box.classList.remove('empty');
    return {
      shown,
      write: () => {
        const { tracked } = shown;
        const now = mine ? (tracked?.state ?? 'queued') : 'received';
        const passed = now === 'stored' && tracked?.storedBy === 'server';
        const word = t(now === 'received' ? 'stateReceived' : passed ? 'statePassed' : WORD_OF[now]);
        item.dataset.state = passed ? 'passed' : now;
        state.title = t('lifeOf');
        const signs = now === 'received' ? [] : [sign(passed ? 'sent' : now)];
        state.replaceChildren(h('time', {}, shortClock(shown.at)), ...signs, h('span', {}, word));
        reason.textContent = tracked?.state === 'failed' ? reasonOf(tracked) : '';
        life.write();
      },
    };
  }

  /** Shows the newest, once a frame: a burst is many. */
  #toEnd(): void {
    if (this.#scrolling) return;
    this.#scrolling = true;
    requestAnimationFrame(() => {
      this.#scrolling = false;
      this.#box.scrollTop = this.#box.scrollHeight;
    });
  }
}

function keyOf({ mine, id }: Shown): string {
  return `${mine ? 'mine' : 'theirs'} ${id}`;
}
