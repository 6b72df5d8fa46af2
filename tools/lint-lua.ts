// Checks the ledger's scripts as Redis takes them, with all their parts: syntax, names that nobody defines, locals that
// nobody uses, and Lua's bounds of 200 locals a function and 60 names that it takes from around it. Prosody's module, in which
// each file stands by itself, is checked for the same.
import { readdirSync, readFileSync } from 'node:fs';
import * as scripts from '../src/store/redis/scripts.ts';
import { type Finding, GIVEN_BY_PROSODY, lintLua } from './lua-names.ts';

const found = new Map<string, { finding: Finding; scripts: string[] }>();
const names: string[] = [];
for (const [script, text] of Object.entries(scripts)) {
  if (typeof text !== 'string') continue;
  names.push(script);
  for (const finding of lintLua(text)) {
    const place = `${finding.file}: ${finding.problem}: ${finding.text}`;
    const known = found.get(place) ?? { finding, scripts: [] };
    known.scripts.push(script);
    found.set(place, known);
  }
}
// A part may offer more than each script that takes it in needs.
const users = (file: string) =>
  names.filter((name) => (scripts as unknown as Record<string, string>)[name]?.includes(`--- @from ${file}\n`));
let problems = 0;
for (const [place, { finding, scripts: where }] of found) {
  if (finding.offered && where.length < users(finding.file).length) continue;
  problems += 1;
  process.stderr.write(`${place} (in ${where.join(', ')})\n`);
}
const files = ['prosody', 'tests/support/gate/prosody'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
);
for (const name of files.filter((one) => one.endsWith('.lua'))) {
  const text = `--- @from ${name}\n${readFileSync(name, 'utf8')}`;
  for (const { file, problem, text: line } of lintLua(text, GIVEN_BY_PROSODY)) {
    // Tables of the module are filled in several places, and Prosody's own takes the module's methods.
    if (/^'\w+\.\w+' is|^'module' is/.test(problem)) continue;
    problems += 1;
    process.stderr.write(`${file}: ${problem}: ${line}\n`);
  }
}
if (problems > 0) process.exitCode = 1;
