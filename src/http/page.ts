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

const LINKS = [
  ['/now', 'the console: sign in'],
  ['/queues', 'messages in trouble, and what was not delivered'],
  ['/readyz', 'whether it can do its work, and what keeps it from that'],
  ['/healthz', 'whether the process is alive'],
  ['/metrics', 'figures for Prometheus'],
] as const;

export interface PageState {
  readonly ready: boolean;
  readonly problems: readonly string[];
  readonly warnings?: readonly string[];
}

/** The first page for who has not signed in: how it is, and where to look further. */
export function page({ ready, problems, warnings = [] }: PageState, hasConsole: boolean) {
  const links = hasConsole ? LINKS : LINKS.slice(1);
  const all = [...problems, ...warnings];
  const list = all.length === 0 ? '' : html`<ul>${all.map((it) => html`<li>${it}</li>`)}</ul>`;
  const state = ready
    ? html`<section class="ready"><strong>Ready</strong>${list}</section>`
    : html`<section class="troubled"><strong>Not ready</strong>${list}</section>`;
  return html`<!doctype html>
<html lang="en">
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
<p>Keeps each message until its recipient has confirmed it.</p>
${state}
<dl>
${links.map(([path, about]) => html`<dt><a href="${path}">${path}</a></dt><dd>${about}</dd>`)}
</dl>
</main>
</body>
</html>`;
}
