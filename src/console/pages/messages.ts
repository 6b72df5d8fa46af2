import { html } from 'hono/html';
import type { Life, Messages, Step } from '../schemas.ts';
import { cellIn } from '../words/reasons.ts';
import { button, field, messageLink, nextSentence, person, reason, stateOf, table } from './parts.ts';
import { clock, type Html, type Ui, withHtml } from './ui.ts';

export type Asked = Readonly<Partial<Record<'id' | 'from' | 'to' | 'since' | 'until', string>>>;

/** Where messages are found by what is known of them. `found` is undefined before anything was asked. */
export function messagesPage(ui: Ui, asked: Asked, found: Messages | undefined, problem?: string): Html {
  const { t, time } = ui;
  const when = html` type="datetime-local" step="1"`;
  const rows = found?.messages.map((one) => [
    messageLink(one),
    person(one.from),
    person(one.to),
    time(one.stored),
    stateOf(ui, one),
  ]);
  return html`<form class="search" method="get" action="/messages" role="search">
${field('id', t('id'), asked.id)}
${field('from', t('from'), asked.from, html` inputmode="email"`)}
${field('to', t('to'), asked.to, html` inputmode="email"`)}
${field('since', t('after'), asked.since, when)}
${field('until', t('before'), asked.until, when)}
<p><button>${t('find')}</button></p>
<p class="soft">${t('searchAbout')}</p>
</form>
${problem === undefined ? '' : html`<p class="notice bad" role="alert">${problem}</p>`}
${rows === undefined ? '' : rows.length === 0 ? html`<p class="empty">${t('noneFound')}</p>` : table(ui, ['id', 'from', 'to', 'stored', 'state'], rows)}
${found?.more ? html`<p class="soft">${t('more')}</p>` : ''}`;
}

/** The life of one message. */
export function lifePage(ui: Ui, life: Life): Html {
  const { t, time, word } = ui;
  const { message, next, traced, steps } = life;
  const fact = (name: string, value: Html | string) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`;
  const resource = message.fromResource === '' ? '' : html`<span class="soft">/${message.fromResource}</span>`;
  const canChange = message.state === 'pending' || message.kept;
  return html`<table class="facts"><tbody>
${fact(t('from'), html`<a href="/messages?from=${encodeURIComponent(message.from)}">${message.from}</a>${resource}`)}
${fact(t('to'), html`<a href="/waiting?for=${encodeURIComponent(message.to)}">${message.to}</a>`)}
${fact(t('id'), html`<code>${message.id}</code>`)}
${fact(t('state'), stateOf(ui, message))}
${message.state === 'unknown' ? '' : fact(t('attempts'), t('attemptsOf', { attempts: message.attempts, copies: message.copies }))}
${message.receiptFrom === undefined ? '' : fact(t('receiptFrom'), message.receiptFrom)}
${message.reason === undefined ? '' : fact(t('reason'), reason(ui, message.reason))}
${
  next === undefined
    ? ''
    : html`${fact(t('next'), nextSentence(ui, next))}
${fact(
  t('known'),
  html`${t('presence', { presence: word('presence', next.situation.presence) })}; ${t('acknowledges', { acknowledges: word('acknowledges', next.situation.acknowledges) })}; ${t('copy', { copy: word('copy', next.situation.copy) })} <small>${t('rules')}</small>`,
)}`
}
</tbody></table>
${
  canChange
    ? html`<p class="actions">${button(ui, `/messages/${encodeURIComponent(message.key)}`, message.kept ? t('sendAgain') : t('sendNow'), { action: 'retry' })}
${button(ui, `/messages/${encodeURIComponent(message.key)}`, t('giveUp'), { action: 'cancel' }, { confirm: t('giveUpConfirm'), danger: true })}</p>`
    : ''
}
<h2>${t('itsLife')}</h2>
${traced ? '' : html`<p class="soft">${t('notTraced')}</p>`}
<ol class="life">${steps.map((step) => stepItem(ui, step, time))}</ol>`;
}

/** Which steps are good news, and which are not. */
const MARKS: Readonly<Record<string, string>> = {
  delivered: 'good',
  confirmed: 'good',
  proved: 'good',
  expired: 'bad',
  rejected: 'bad',
  refused: 'bad',
  cancelled: 'bad',
  bounced: 'warning',
  'came back': 'warning',
  'session-ended': 'warning',
  'session-silent': 'warning',
  'redelivery skipped': 'quiet',
  'rule applied': 'quiet',
  'redelivery scheduled': 'quiet',
};

function stepItem(ui: Ui, step: Step, time: Ui['time']): Html {
  const { t, word, language } = ui;
  const { at, what, why, session, rule, attempt, due, content } = step;
  const details = [
    session === undefined ? '' : html`<code>${session}</code>`,
    // "Delivered: delivered" says it twice.
    why === undefined || why === what ? '' : reason(ui, why),
    rule === undefined ? '' : html`<span title="${rule}">${cellIn(language, rule) ?? rule}</span>`,
    due === undefined ? '' : withHtml(t('dueAt'), { time: clock(due) }),
    attempt === undefined || attempt < 2 ? '' : t('attempt', { attempt }),
  ].filter((part) => part !== '');
  return html`<li class="${MARKS[what] ?? ''}"><p class="when">${time(at, true)}</p><p><strong>${word('step', what)}</strong>${details.map((detail) => html`<span class="detail">${detail}</span>`)}</p>${content === undefined ? '' : html`<pre>${content}</pre>`}</li>`;
}
