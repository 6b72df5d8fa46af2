import { html } from 'hono/html';
import type { DeadLetter, DeadLetters } from '../schemas.ts';
import { button, field, messageLink, person, reason } from './parts.ts';
import type { Html, Ui } from './ui.ts';

/** What was not delivered: look, send again, give up, take away as a file. */
export function deadLettersPage(
  ui: Ui,
  user: string | undefined,
  found: DeadLetters | undefined,
  problem?: string,
): Html {
  const { t } = ui;
  const form = html`<form class="search" method="get" action="/dead-letters" role="search">
${field('of', t('filterOf'), user, html` inputmode="email"`)}<p><button>${t('show')}</button></p></form>
${problem === undefined ? '' : html`<p class="notice bad" role="alert">${problem}</p>`}`;
  if (found === undefined) return form;
  const { letters, total, all } = found;
  const query = user === undefined ? '' : `?of=${encodeURIComponent(user)}`;
  if (letters.length === 0) {
    return html`${form}<p class="empty">${user === undefined ? t('noLetters') : t('noLettersOf')}</p><p class="soft">${t('lettersAbout')}</p>`;
  }
  const newest = t(all ? 'newestOf' : 'newestOfMore', { shown: letters.length, total });
  return html`${form}
<p class="soft">${t('lettersAbout')} ${letters.length < total || !all ? newest : ''}</p>
<form method="post" action="/dead-letters" id="chosen">${ui.csrf}${user === undefined ? '' : html`<input type="hidden" name="of" value="${user}">`}
<table class="list"><thead><tr><th scope="col"><input type="checkbox" class="all" aria-label="${t('chooseAll')}" hidden></th><th scope="col">${t('from')}</th><th scope="col">${t('to')}</th><th scope="col">${t('id')}</th><th scope="col">${t('ended')}</th><th scope="col">${t('why')}</th></tr></thead>
<tbody>${letters.map((letter) => row(ui, letter))}</tbody></table>
<p class="actions"><span class="chosen">${t('chosen')}:</span> <button name="action" value="retry">${t('sendAgain')}</button>
<button name="action" value="cancel" class="danger" data-confirm="${t('giveUpConfirm')}">${t('giveUp')}</button></p></form>
<p class="actions">${user === undefined ? '' : button(ui, '/dead-letters/retry-all', t('sendAllTo', { user }), { to: user })}
<a href="/dead-letters.jsonl${query}" download>${t('export')}</a></p>`;
}

function row(ui: Ui, { id, from, to, messageId, ended, why, message }: DeadLetter): Html {
  const { t, time } = ui;
  const linked = (jid: string) => person(jid, `/dead-letters?of=${encodeURIComponent(jid)}`);
  return html`<tr><td><input type="checkbox" name="key" value="${id}" aria-label="${t('choose', { from, to })}"></td>
<td data-label="${t('from')}">${linked(from)}</td><td data-label="${t('to')}">${linked(to)}</td>
<td data-label="${t('id')}">${message ? messageLink({ key: id, id: messageId }) : html`<span class="soft">${t('stanza')}</span>`}</td>
<td data-label="${t('ended')}">${time(ended)}</td><td data-label="${t('why')}">${reason(ui, why)}</td></tr>`;
}
