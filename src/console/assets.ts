import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export interface Asset {
  /** With a part that changes with what is in it. */
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

const require = createRequire(import.meta.url);

function asset(name: string, type: string, file: string | URL): Asset {
  const body = readFileSync(file, 'utf8');
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 10);
  return { path: `/assets/${hash}/${name}`, type: `${type}; charset=utf-8`, body };
}

/** What pages load, all of it from here. */
export const ASSETS = {
  style: asset('console.css', 'text/css', new URL('./assets/console.css', import.meta.url)),
  script: asset('console.js', 'text/javascript', new URL('./assets/console.js', import.meta.url)),
  chartStyle: asset('uplot.css', 'text/css', require.resolve('uplot/dist/uPlot.min.css')),
  chartScript: asset('uplot.js', 'text/javascript', require.resolve('uplot/dist/uPlot.iife.min.js')),
} as const;
