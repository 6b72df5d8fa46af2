import 'uplot/dist/uPlot.min.css';
import { addressing } from './address.ts';
import { find } from './dom.ts';
import { Hurts } from './hurts.ts';
import { inWords, switchLanguage, t, translatePage } from './language.ts';
import { Panel } from './panel.ts';
import { server } from './server.ts';
import { ChatWindow } from './windows.ts';
import { hear } from './wire.ts';

/** ms */
const LOOK_EVERY = 1000;

const language = find<HTMLButtonElement>('#language');
language.addEventListener('click', switchLanguage);
inWords(() => {
  language.textContent = t('switchTo');
  language.setAttribute('aria-label', t('switchLabel'));
  language.lang = t('switchTo') === 'English' ? 'en' : 'zh-Hans';
});

inWords(() => {
  find('#addressing').textContent = t(addressing === 'own' ? 'ownHint' : 'componentHint');
});

const alice = new ChatWindow('alice');
const bob = new ChatWindow('bob');
const hurts = new Hurts(alice, bob);
const panel = new Panel();
translatePage();
hear(({ news }) => {
  if (news !== undefined) hurts.tell(news);
});

async function look(): Promise<void> {
  try {
    const { figures, ...health } = await server.figures();
    hurts.stand(health);
    panel.stand(health);
    panel.show(figures);
  } catch {
    panel.show(null);
  }
  setTimeout(() => void look(), LOOK_EVERY);
}

// Two pages would be two alices with one memory.
void navigator.locks.request('demo', { ifAvailable: true }, async (lock) => {
  if (lock === null) {
    find('main').replaceChildren(t('elsewhere'));
    return;
  }
  alice.open();
  bob.open();
  void look();
  // Held as long as the page lives.
  await new Promise(() => {});
});
