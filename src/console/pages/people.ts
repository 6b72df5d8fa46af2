import { html } from 'hono/html';
import type { People, Records } from '../schemas.ts';
import { button, field, person, table } from './parts.ts';
import type { Html, Ui } from './ui.ts';

/** Who has messages waiting, who sends most, and how to forget somebody. */
export function peoplePage(ui: Ui, found: People, problem?: string): Html {
  const { t, time } = ui;
  const waiting = found.waiting.map(({ user, messages, oldest }) => [
    person(user, `/waiting?for=${encodeURIComponent(user)}`),
    messages,
    time(oldest),
    html`<a href="/people/forget?user=${encodeURIComponent(user)}">${t('forget')}</a>`,
  ]);
  const heaviest = found.heaviest.map(({ of, messages, bytes }) => [
    of.startsWith('@') ? t('allOf', { domain: of.slice(1) }) : person(of, `/messages?from=${encodeURIComponent(of)}`),
    messages,
    t('bytes', { n: Math.ceil(bytes / 1024) }),
  ]);
  return html`${problem === undefined ? '' : html`<p class="notice bad" role="alert">${problem}</p>`}
<h2>${t('waiting')}</h2><p class="soft">${t('longestFirst')}</p>
${waiting.length === 0 ? html`<p class="empty">${t('nobodyWaits')}</p>` : table(ui, ['user', 'waitingMessages', 'oldestSince', ''], waiting)}
${found.total > waiting.length ? html`<p class="soft">${t('shownOf', { shown: waiting.length, total: found.total })}</p>` : ''}
${found.all ? '' : html`<p class="soft">${t('atLeast', { total: found.total })}</p>`}
<h2>${t('heaviest')}</h2><p class="soft">${t('heaviestAbout')}</p>
${heaviest.length === 0 ? html`<p class="empty">${t('noSenders')}</p>` : table(ui, ['from', 'messages', 'size'], heaviest)}
<h2>${t('forgetUser')}</h2><p class="soft">${t('forgetAbout')}</p>
<form class="search" method="get" action="/people/forget">${field('user', t('address'), undefined, html` inputmode="email" required`)}<p><button>${t('forget')} …</button></p></form>`;
}

/** Asks whether to forget somebody. */
export function forgetPage(ui: Ui, { user, records, all }: Records): Html {
  const { t } = ui;
  return html`<p>${t(all ? 'forgetCount' : 'forgetCountMore', { count: records, user })}</p><p>${t('forgetAbout')}</p>
<p class="actions">${button(ui, '/people/forget', t('forgetConfirm', { user }), { user }, { danger: true })}
<a href="/people">${t('cancel')}</a></p>`;
}
