// Prints what CHANGELOG.md says of a version, for its release; ends with 1 when the tag (v1.2.3), package.json and the
// changelog do not name the same one.
import { readFileSync } from 'node:fs';

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const [tag = ''] = process.argv.slice(2);
const { version } = JSON.parse(read('package.json'));
if (tag !== `v${version}`) fail(`The tag is ${tag}, and package.json has ${version}`);
const [, ...sections] = read('CHANGELOG.md').split(/^## /m);
const own = sections.find((section) => section.startsWith(`[${version}] - `));
if (own === undefined) fail(`CHANGELOG.md has no section "## [${version}] - <date>"`);
process.stdout.write(`${own.slice(own.indexOf('\n') + 1).trim()}\n`);

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
