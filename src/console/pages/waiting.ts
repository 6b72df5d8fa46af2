import { html } from 'hono/html';
import type { Waiting } from '../schemas.ts';
import { field, messageLink, nextSentence, person, table } from './parts.ts';
import type { Html, Ui } from './ui.ts';

/** Which message waits for whom, since when, and what happens next. */
export function waitingPage(ui: Ui, user: string | undefined, found: Waiting | undefined, problem?: string): Html {
  const { t, time } = ui;
  const form = html`<form class="search" method="get" action="/waiting" role="search">
${field('for', t('filterUser'), user, html` inputmode="email"`)}<p><button>${t('show')}</button></p></form>
${problem === undefined ? '' : html`<p class="notice bad" role="alert">${problem}</p>`}`;
  if (found === undefined) return form;
  const { messages, total, all } = found;
  const rows = messages.map((one) => [
    person(one.to, `/waiting?for=${encodeURIComponent(one.to)}`),
    person(one.from),
    messageLink(one),
    time(one.stored),
    one.copies,
    nextSentence(ui, one.next),
  ]);
  return html`${form}
${total === 0 ? html`<p class="empty">${t('nobodyWaits')}</p>` : table(ui, ['forWhom', 'from', 'id', 'stored', 'copies', 'next'], rows)}
${total > messages.length ? html`<p class="soft">${t('shownOf', { shown: messages.length, total })}</p>` : ''}
${all ? '' : html`<p class="soft">${t('atLeast', { total })}</p>`}`;
}
