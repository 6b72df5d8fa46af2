import { html } from 'hono/html';
import type { Now } from '../schemas.ts';
import type { Word } from '../words/en.ts';
import { condition } from './parts.ts';
import { type Html, type Ui, withHtml } from './ui.ts';

const PARTS = ['link', 'domain', 'redis', 'ledger', 'queues', 'gate'] as const;
const CURVES = ['accepted', 'delivered', 'redelivered', 'failed'] as const;

/** How it is just now. The script puts this part of the page anew every few seconds. */
export function nowPage(ui: Ui, now: Now): Html {
  return html`<div data-live="/now">
${verdict(ui, now)}
${figures(ui, now)}
${curves(ui, now)}
${state(ui, now)}
</div>`;
}

function verdict(ui: Ui, { ready, problems, warnings, paused }: Now): Html {
  const { t, time } = ui;
  return html`<section class="verdict ${ready ? 'good' : 'bad'}">
<h2>${ready ? t('ready') : t('notReady')}</h2>
${problems.length === 0 ? html`<p>${t('allWell')}</p>` : html`<ul>${problems.map((one) => html`<li>${condition(ui, one)}</li>`)}</ul>`}
</section>
${paused === undefined ? '' : html`<p class="warn">${withHtml(t('paused'), { time: time(paused.since), by: paused.by })}</p>`}
${
  warnings.length === 0
    ? ''
    : html`<section class="warn"><h2>${t('warnings')}</h2><ul>${warnings.map((one) => html`<li>${condition(ui, one)}</li>`)}</ul></section>`
}`;
}

function figures({ t, age, time }: Ui, { store, process, startedAt }: Now): Html {
  const tile = (word: Word, value: number | string, about: Html | string = '', link = '') =>
    html`<div class="tile"><dt>${link === '' ? t(word) : html`<a href="${link}">${t(word)}</a>`}</dt><dd>${value}${about === '' ? '' : html`<small>${about}</small>`}</dd></div>`;
  // The store knows in which minute the oldest came.
  const oldestOf = (seconds: number) => (seconds < 60 ? t('oldestNew') : t('oldest', { age: age(seconds) }));
  const oldest = store === undefined || store.waiting === 0 ? t('nothingWaits') : oldestOf(store.oldestSeconds);
  return html`<dl class="tiles">
${store === undefined ? '' : tile('waitingNow', store.waiting, oldest, '/waiting')}
${store === undefined ? '' : tile('deadLetters', store.deadLetters, '', '/dead-letters')}
${tile('accepted', process.accepted)}
${tile('delivered', process.delivered)}
${tile('redelivered', process.redelivered)}
${tile('failed', process.failed)}
</dl>
<p class="soft">${store === undefined ? t('unknownFigures') : ''} ${withHtml(t('thisProcess'), { time: time(startedAt) })}</p>`;
}

function curves({ t }: Ui, { lastHour }: Now): Html {
  if (lastHour.length === 0) return html`<h2>${t('lastHour')}</h2><p class="soft">${t('nothingYet')}</p>`;
  const at = lastHour.map((sample) => Math.round(Date.parse(sample.at) / 1000));
  const curve = (name: (typeof CURVES)[number] | 'waiting') => {
    const values = lastHour.map((sample) => sample[name] ?? null);
    const known = values.filter((value) => value !== null);
    const [sum, most] = [known.reduce((all, one) => all + one, 0), Math.max(0, ...known)];
    const title = t(name === 'waiting' ? 'waitingNow' : name);
    const said =
      name === 'waiting'
        ? t('curveOfWaiting', { name: title, last: known.at(-1) ?? '?', most })
        : t('curveOf', { name: title, sum, most });
    return html`<figure><figcaption>${title}</figcaption><div class="chart ${name}" role="img" aria-label="${said}" data-series="${JSON.stringify([at, values])}"></div></figure>`;
  };
  return html`<h2>${t('lastHour')}</h2><p class="soft">${t('lastHourAbout')}</p>
<div class="charts">${CURVES.map(curve)}${curve('waiting')}</div>`;
}

function state(ui: Ui, { parts, linkedSince, memoryUsed, mode, component, version }: Now): Html {
  const { t, time, age } = ui;
  const about: Partial<Record<string, string>> = {
    ...(linkedSince !== undefined && {
      link: t('linkedFor', { age: age((Date.now() - Date.parse(linkedSince)) / 1000) }),
    }),
    ...(memoryUsed !== undefined && { redis: t('memory', { percent: Math.floor(memoryUsed * 100) }) }),
  };
  const row = (name: (typeof PARTS)[number]) => {
    const part = parts[name];
    if (part === undefined) return '';
    const mark = part.ok ? (part.warnings?.length ? 'warning' : 'good') : 'bad';
    const said = part.ok ? t('ok') : condition(ui, part.problem ?? '');
    return html`<tr><th scope="row">${t(`part_${name}`)}</th><td><span class="mark ${mark}"></span><span>${said}</span>${about[name] !== undefined && part.ok ? html` <span class="soft">· ${about[name]}</span>` : ''}${part.since === undefined ? '' : html`<br><small>${withHtml(t('since'), { time: time(part.since) })}</small>`}</td></tr>`;
  };
  return html`<h2>${t('state')}</h2>
<table class="facts"><tbody>
${PARTS.map(row)}
<tr><th scope="row">${t('mode')}</th><td>${t(`mode_${mode}`, { domain: component })}</td></tr>
<tr><th scope="row">${t('version')}</th><td>${version}</td></tr>
</tbody></table>`;
}
