import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';

const STYLE = `
:root { color-scheme: light dark; --ink: #1d232b; --soft: #5a6572; --paper: #fbfbfa; --line: #dcdfe3; --link: #0b57a4; --good: #1a7f4b; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #9aa4b0; --paper: #15191f; --line: #2e353e; --link: #7db7f5; --good: #5cc98d; --bad: #ff8a80 }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 38rem; margin: 0 auto; padding: 12vh 1.5rem 4rem }
h1 { font-size: 1.5rem; font-weight: 600; margin: 0 0 .25rem }
p { margin: 0 0 2rem; color: var(--soft) }
section { border-left: 3px solid var(--mark); padding: .1rem 0 .1rem 1rem; margin: 0 0 2rem }
section.ready { --mark: var(--good) }
section.troubled { --mark: var(--bad) }
section strong { color: var(--mark) }
section ul { margin: .25rem 0 0; padding-left: 1.1rem; overflow-wrap: anywhere }
dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; border-top: 1px solid var(--line) }
dt, dd { margin: 0; padding: .7rem 0; border-bottom: 1px solid var(--line) }
dt { padding-right: 2rem; font-family: ui-monospace, monospace; font-size: .95em }
a { color: var(--link); text-underline-offset: .2em }
`;

const hash = createHash('sha256').update(STYLE).digest('base64');

/** What the page may load: its own style, and nothing else. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const LINKS = ['now', 'queues', 'readyz', 'healthz', 'metrics'] as const;

/** What it says, in the language of who looks at it. */
export interface PageWords {
  /** RFC 5646. */
  readonly language: string;
  readonly about: string;
  readonly ready: string;
  readonly notReady: string;
  /** What each link leads to. */
  readonly links: Readonly<Record<(typeof LINKS)[number], string>>;
  /** What is wrong, a text of `/readyz`, by sentences: each in its language. */
  condition(text: string): readonly { readonly text: string; readonly lang: string }[];
}

const ENGLISH: PageWords = {
  language: 'en',
  about: 'Keeps each message until its recipient has confirmed it.',
  ready: 'Ready',
  notReady: 'Not ready',
  links: {
    now: 'the console: sign in',
    queues: 'messages in trouble, and what was not delivered',
    readyz: 'whether it can do its work, and what keeps it from that',
    healthz: 'whether the process is alive',
    metrics: 'figures for Prometheus',
  },
  condition: (text) => [{ text, lang: 'en' }],
};

export interface PageState {
  readonly ready: boolean;
  readonly problems: readonly string[];
  readonly warnings?: readonly string[];
}

/** The first page for who has not signed in: how it is, and where to look further. */
export function page({ ready, problems, warnings = [] }: PageState, hasConsole: boolean, words: PageWords = ENGLISH) {
  const links = hasConsole ? LINKS : LINKS.slice(1);
  const { language } = words;
  const said = (it: string) =>
    words
      .condition(it)
      .map(({ text, lang }) =>
        lang === language ? html`<span>${text}</span>` : html`<span lang="${lang}">${text} </span>`,
      );
  const all = [...problems, ...warnings];
  const list = all.length === 0 ? '' : html`<ul>${all.map((it) => html`<li>${said(it)}</li>`)}</ul>`;
  const state = ready
    ? html`<section class="ready"><strong>${words.ready}</strong>${list}</section>`
    : html`<section class="troubled"><strong>${words.notReady}</strong>${list}</section>`;
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>openfire-receipts</title>
<link rel="icon" href="data:,">
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
<h1>openfire-receipts</h1>
<p>${words.about}</p>
${state}
<dl>
${links.map((name) => html`<dt><a href="/${name}">/${name}</a></dt><dd>${words.links[name]}</dd>`)}
</dl>
</main>
</body>
</html>`;
}
