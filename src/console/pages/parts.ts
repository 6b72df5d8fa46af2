import { html } from 'hono/html';
import type { Message, WaitingMessage } from '../schemas.ts';
import { conditionIn } from '../words/conditions.ts';
import type { Word } from '../words/en.ts';
import { reasonIn } from '../words/reasons.ts';
import { type Html, type Ui, withHtml } from './ui.ts';

export function messageLink({ key, id }: Pick<Message, 'key' | 'id'>): Html {
  return html`<a class="id" href="/messages/${encodeURIComponent(key)}">${id === '' ? key : id}</a>`;
}

/** An address, which is broken at its `@` where it has to be; leads somewhere if that is given. */
export function person(jid: string, link?: string): Html {
  const at = jid.indexOf('@') + 1;
  const text = html`<span class="jid">${jid.slice(0, at)}${at === 0 ? '' : html`<wbr>`}${jid.slice(at)}</span>`;
  return link === undefined ? text : html`<a href="${link}">${text}</a>`;
}

/** A table whose cells say on a narrow page what they are. */
export function table(
  { t }: Ui,
  heads: readonly (Word | '')[],
  rows: readonly (readonly (Html | string | number)[])[],
): Html {
  return html`<table class="list"><thead><tr>${heads.map((head) => (head === '' ? html`<td></td>` : html`<th scope="col">${t(head)}</th>`))}</tr></thead>
<tbody>${rows.map(
    (cells) =>
      html`<tr>${cells.map((cell, at) => {
        const head = heads[at] ?? '';
        return html`<td${head === '' ? '' : html` data-label="${t(head)}"`}>${cell}</td>`;
      })}</tr>`,
  )}</tbody></table>`;
}

export function stateOf({ word, t }: Ui, { state, kept }: Pick<Message, 'state' | 'kept'>): Html {
  return html`<span class="state ${state}">${word('state', state)}</span>${kept ? html` <small class="kept">${t('kept')}</small>` : ''}`;
}

/** Why something happened, in the page's language where there are words for it. */
export function reason({ language }: Ui, why: string): Html {
  const { text, lang } = reasonIn(language, why);
  return lang === language ? html`<span>${text}</span>` : html`<span lang="${lang}">${text}</span>`;
}

/** What is wrong, or worth a look, as `/readyz` says it; in the page's language where there are words for it. */
export function condition({ language }: Ui, text: string): Html {
  const sentences = conditionIn(language, text);
  return html`${sentences.map(({ text: said, lang }) => (lang === language ? said : html`<span lang="${lang}">${said}</span> `))}`;
}

/** What happens next, as a sentence. */
export function nextSentence(ui: Ui, next: WaitingMessage['next']): Html | string {
  const { t, word, time } = ui;
  if (next === undefined) return t('nextNone');
  return html`<span>${withHtml(t(`next_${next.what}`), { time: time(next.at), ends: word('ends', next.ends) })}</span>`;
}

/** A field of a form that asks. */
export function field(id: string, label: string, value: string | undefined, more: Html | string = ''): Html {
  return html`<p class="field"><label for="${id}">${label}</label><input id="${id}" name="${id}" value="${value ?? ''}"${more}></p>`;
}

/** A form that changes something. */
export function button(
  { csrf }: Ui,
  action: string,
  label: string,
  values: Readonly<Record<string, string>>,
  more: { readonly confirm?: string; readonly danger?: boolean } = {},
): Html {
  const { confirm, danger = false } = more;
  return html`<form method="post" action="${action}" class="one"${confirm === undefined ? '' : html` data-confirm="${confirm}"`}>${csrf}${Object.entries(values).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}<button${danger ? html` class="danger"` : ''}>${label}</button></form>`;
}
