// What the client library adds to a page: bundled for browsers, minified, gzipped; without @xmpp/client.
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { readFlags } from './flags.ts';

/**
 * Bytes, minified and gzipped: 8 KiB, and half a KiB for the transparent mode, in which the library finds out whether a gate
 * in the server holds its messages, and when one passed it unheld.
 */
export const GOAL = 8.5 * 1024;

const root = path.dirname(import.meta.dirname);

/** Bytes, and what a page must bring beside it. */
export async function measure(): Promise<{ bytes: number; gzipped: number; imports: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: "export * from './packages/client/src/index.ts'", resolveDir: root, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['@xmpp/client'],
    logLevel: 'silent',
  });
  const contents = outputFiles[0]?.contents ?? new Uint8Array();
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return {
    bytes: contents.length,
    gzipped: gzipSync(contents, { level: 9 }).length,
    imports: imports.map(({ path: name }) => name),
  };
}

if (process.argv[1] === import.meta.filename) {
  readFlags('npm run size --', 'the size of the client library in a page', {});
  const { bytes, gzipped } = await measure();
  console.log(`openfire-receipts-client: ${bytes} bytes minified, ${gzipped} with gzip (goal: ${GOAL})`);
  if (gzipped > GOAL) process.exitCode = 1;
}
