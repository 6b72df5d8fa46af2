import { addressing } from './address.ts';
import { find, h } from './dom.ts';
import { inWords, t } from './language.ts';
import { type Health, server } from './server.ts';
import type { ChatWindow } from './windows.ts';
import type { News } from './wire.ts';
import type { Word } from './words.ts';

/** A button and, for what stays so until it is undone, the button that undoes it. */
interface Hurt {
  readonly word: Word;
  readonly done?: Word;
  act(): unknown;
  readonly undo?: { readonly word: Word; readonly done: Word; act(): unknown };
  /** Whether it is to be undone now. */
  isOn?(): boolean;
  isOff?(): boolean;
}

/** The buttons, and the line below them that says what has just happened. */
export class Hurts {
  readonly #news = find('#news');
  readonly #bob: ChatWindow;
  readonly #writers: (() => void)[] = [];
  #health: Health = { proxy: true, redis: true, network: 'open' };
  #losing = false;
  #last: News | undefined;

  constructor(alice: ChatWindow, bob: ChatWindow) {
    this.#bob = bob;
    const ask = (what: string) => async () => this.stand(await server.hurt(what));
    const lose = (losing: boolean) => () => {
      this.#losing = losing;
      bob.order(losing ? 'lose' : 'do-not-lose');
    };
    const hurts: readonly Hurt[] = [
      {
        word: 'cut',
        done: 'cutDone',
        act: ask('network/cut'),
        isOn: () => this.#health.network === 'cut',
        undo: { word: 'uncut', done: 'uncutDone', act: ask('network/open') },
      },
      {
        word: 'freeze',
        done: 'freezeDone',
        act: ask('network/frozen'),
        isOn: () => this.#health.network === 'frozen',
        isOff: () => this.#health.network === 'cut',
        undo: { word: 'thaw', done: 'thawDone', act: ask('network/open') },
      },
      {
        word: 'closeTab',
        done: 'closeTabDone',
        act: () => {
          this.#losing = false;
          bob.close();
        },
        isOn: () => !bob.isOpen,
        undo: { word: 'openTab', done: 'openTabDone', act: () => bob.open() },
      },
      {
        word: 'lose',
        done: 'loseDone',
        act: lose(true),
        isOn: () => this.#losing,
        isOff: () => !bob.isOpen,
        undo: { word: 'losing', done: 'losingDone', act: lose(false) },
      },
      {
        word: 'stopProxy',
        done: 'stopProxyDone',
        act: ask('proxy/stop'),
        isOn: () => !this.#health.proxy,
        undo: { word: 'startProxy', done: 'startProxyDone', act: ask('proxy/start') },
      },
      {
        word: 'stopRedis',
        done: 'stopRedisDone',
        act: ask('redis/stop'),
        isOn: () => !this.#health.redis,
        undo: { word: 'startRedis', done: 'startRedisDone', act: ask('redis/start') },
      },
      // What has been done is told by the window.
      { word: 'twice', act: () => alice.order('twice') },
      { word: 'burst', act: () => alice.order('burst') },
    ];
    find('#hurts').replaceChildren(...hurts.map((hurt) => this.#button(hurt)));
    inWords(() => this.#write());
  }

  /** How the servers stand. */
  stand(health: Health): void {
    this.#health = health;
    this.#bob.stand(health.network);
    this.#write();
  }

  tell(news: News): void {
    if (news.word === 'receiptLost' || news.word === 'receiptLostOwn') this.#losing = false;
    this.#last = news;
    this.#write();
  }

  #button(hurt: Hurt): HTMLButtonElement {
    const button = h('button', { type: 'button', 'data-hurt': hurt.word });
    const isOn = () => hurt.isOn?.() === true;
    this.#writers.push(() => {
      button.textContent = t(isOn() && hurt.undo ? hurt.undo.word : hurt.word);
      button.classList.toggle('on', isOn());
      button.setAttribute('aria-disabled', String(hurt.isOff?.() === true));
    });
    let busy = false;
    button.addEventListener('click', async () => {
      if (busy || hurt.isOff?.() === true) return;
      busy = true;
      button.setAttribute('aria-busy', 'true');
      const { act, done } = isOn() && hurt.undo ? hurt.undo : hurt;
      try {
        await act();
        if (done !== undefined) this.tell({ word: forAddressing(done) });
      } catch (error) {
        this.tell({ word: 'notDone', values: { error: (error as Error).message } });
      }
      busy = false;
      button.removeAttribute('aria-busy');
    });
    return button;
  }

  #write(): void {
    for (const write of this.#writers) write();
    this.#news.textContent = this.#last === undefined ? '' : t(this.#last.word, this.#last.values);
  }
}

/** What some of it means depends on whether a gate holds the messages. */
const OF_OWN: Partial<Record<Word, Word>> = { stopProxyDone: 'stopProxyDoneOwn', stopRedisDone: 'stopRedisDoneOwn' };

function forAddressing(word: Word): Word {
  return (addressing === 'own' ? OF_OWN[word] : undefined) ?? word;
}
