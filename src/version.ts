import { readFileSync } from 'node:fs';

/** Of this package; also beside the compiled code there is a package.json with these. */
const { version, peerDependencies = {} } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as {
  version: string;
  peerDependencies?: Readonly<Record<string, string>>;
};

export const VERSION = version;

/** What TRACE_SPANS needs, as `npm install` takes it. */
export const PACKAGES_FOR_SPANS = Object.entries(peerDependencies).map(([name, one]) => `${name}@${one}`);
