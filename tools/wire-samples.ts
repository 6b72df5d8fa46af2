// Makes tests/fixtures/wire-samples.xml from what the e2e tests' links carried of our namespaces: one sample of each shape.
//   WIRE_RECORD=<file> npm run test:e2e && node --import tsx tools/wire-samples.ts <file>
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { shape, standAlone } from '../tests/support/stages/wire-record.ts';
import { parseStanza } from '../tests/support/stanzas/xml.ts';

const SAMPLES = path.resolve(import.meta.dirname, '../tests/fixtures/wire-samples.xml');

const found = new Map<string, string>();
for (const line of readFileSync(process.argv[2] as string, 'utf8')
  .split('\n')
  .filter(Boolean)) {
  const [, xml] = JSON.parse(line) as [string, string];
  const element = parseStanza(xml);
  // A gate says many things at once; each is a sample by itself.
  const parts = element.getChildElements();
  for (const children of element.name === 'gate' && parts.length > 0 ? parts.map((part) => [part]) : [parts]) {
    const alike = shape(element, children);
    const text = standAlone(element, children);
    const shortest = found.get(alike);
    if (shortest === undefined || text.length < shortest.length) found.set(alike, text);
  }
}
const samples = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, xml]) => `${xml}\n`);
const head = '<!-- Made by tools/wire-samples.ts: one element of each shape that the e2e tests saw. -->\n';
writeFileSync(SAMPLES, `<samples>\n${head}${samples.join('')}</samples>\n`);
console.info(`${samples.length} samples`);
