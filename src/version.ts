import { readFileSync } from 'node:fs';

/** Of this package; also beside the compiled code there is a package.json with it. */
export const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
