import { html } from 'hono/html';
import { ASSETS } from '../assets.ts';
import type { Word } from '../words/en.ts';
import { LANGUAGES } from '../words/language.ts';
import type { Html, Ui } from './ui.ts';

const PAGES: readonly (readonly [path: string, word: Word])[] = [
  ['/now', 'now'],
  ['/messages', 'messages'],
  ['/people', 'people'],
  ['/waiting', 'waiting'],
  ['/dead-letters', 'deadLetters'],
];

export interface PageParts {
  /** Of {@link PAGES}, which one it belongs to. */
  readonly at: string;
  /** The address that shows it, with what was asked, for the links to other languages. */
  readonly here: string;
  readonly title: string;
  readonly body: Html | string;
  /** What came of what was done before. */
  readonly notice?: Html | string | undefined;
  readonly charts?: boolean;
}

/** A whole page. */
export function layout(ui: Ui, { at, here, title, body, notice, charts = false }: PageParts): Html {
  const { t, language } = ui;
  const to = (tag: string) => `/language?to=${tag}&back=${encodeURIComponent(here)}`;
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · openfire-receipts</title>
<link rel="icon" href="data:,">
${charts ? html`<link rel="stylesheet" href="${ASSETS.chartStyle.path}">` : ''}
<link rel="stylesheet" href="${ASSETS.style.path}">
${charts ? html`<script src="${ASSETS.chartScript.path}" defer></script>` : ''}
<script src="${ASSETS.script.path}" defer></script>
</head>
<body>
<a class="skip" href="#content">${t('skip')}</a>
<header>
<p><a class="name" href="/now">openfire-receipts</a></p>
<nav aria-label="${t('menu')}">
${PAGES.map(([path, word]) => html`<a href="${path}"${path === at ? html` aria-current="page"` : ''}>${t(word)}</a>`)}
</nav>
<p class="aside"><a href="/queues">${t('queues')}</a>
${Object.entries(LANGUAGES).map(([tag, words]) =>
  tag === language ? '' : html`<a href="${to(tag)}" lang="${tag}" hreflang="${tag}">${words.language}</a>`,
)}</p>
</header>
<main id="content" tabindex="-1">
<h1>${title}</h1>
${notice === undefined ? '' : html`<p class="notice" role="status">${notice}</p>`}
${body}
</main>
</body>
</html>`;
}
