import path from 'node:path';
import { build } from 'vite';

const ROOT = path.join(import.meta.dirname, 'web');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface Asset {
  readonly type: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** Builds the page, into memory: a demo leaves nothing behind. By path, `/index.html`. */
export async function buildPage(): Promise<ReadonlyMap<string, Asset>> {
  const result = await build({
    configFile: false,
    root: ROOT,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2023',
      // What is inlined, the policy would not let in.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      rollupOptions: { input: [path.join(ROOT, 'index.html'), path.join(ROOT, 'person.html')] },
    },
  });
  const outputs = Array.isArray(result) ? result : 'output' in result ? [result] : [];
  const assets = new Map<string, Asset>();
  for (const file of outputs.flatMap(({ output }) => output)) {
    const type = TYPES[path.extname(file.fileName)] ?? 'application/octet-stream';
    const body =
      file.type === 'chunk' ? file.code : typeof file.source === 'string' ? file.source : file.source.slice();
    assets.set(`/${file.fileName}`, { type, body });
  }
  return assets;
}
