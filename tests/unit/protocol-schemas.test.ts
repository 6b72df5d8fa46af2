// The schemas in docs/schemas, against the examples of the docs and against what the e2e tests saw on the wire.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BATCH, EXPIRED, STATUS, STORED, UNCONFIRMED } from '../../packages/protocol/elements.ts';
import { ours, standAlone } from '../support/stages/wire-record.ts';
import { Schemas } from '../support/stanzas/schemas.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const schemas = new Schemas();
afterAll(() => schemas.close());

const samples = parseStanza(read('tests/fixtures/wire-samples.xml')).getChildElements();
/** The elements that a schema has at its top, or in `<gate/>`, by its text. */
function declared(file: string, indent: number): string[] {
  return [...read(`docs/schemas/${file}`).matchAll(new RegExp(`^ {${indent}}<xs:element name="([^"]+)"`, 'gm'))].map(
    ([, name]) => name as string,
  );
}

test.each(['docs/protocol.md', 'docs/gate-protocol.md', 'docs/guarantees.md'])(
  'the examples of %s are valid',
  (page) => {
    const examples = [...read(page).matchAll(/^```xml\n(.*?)^```/gms)].map(([, xml]) => xml as string);
    const elements = examples.flatMap((xml) =>
      parseStanza(`<example>${xml}</example>`).getChildElements().flatMap(ours),
    );
    expect(elements.length).toBeGreaterThan(0);
    expect(elements.map((element) => schemas.faultOf(standAlone(element))).filter(Boolean)).toEqual([]);
  },
);

test('what the e2e tests saw is valid', () => {
  expect(samples.map((element) => schemas.faultOf(standAlone(element))).filter(Boolean)).toEqual([]);
});

/** Commands that the component does not use, or did not need in these tests. */
const UNSEEN = ['ask', 'sessions', 'counts'];

test('they saw every element', () => {
  const seen = new Set(
    samples.flatMap((one) => (one.name === 'gate' ? one.getChildElements() : one)).map((one) => one.name),
  );
  expect([...declared('receipts.xsd', 2), ...declared('gate.xsd', 8)].filter((name) => !seen.has(name))).toEqual(
    UNSEEN,
  );
});

test('the schema has the elements of packages/protocol, and the page a section on each', () => {
  const names = [BATCH, EXPIRED, STATUS, STORED, UNCONFIRMED];
  expect(declared('receipts.xsd', 2).sort()).toEqual([...names].sort());
  const sections = [...read('docs/protocol.md').matchAll(/^### (\w+)/gm)].map(([, name]) => name);
  expect([...new Set(sections)].sort()).toEqual([...names].sort());
});

test.each([
  '<stored xmlns="urn:openfire-receipts:0" to="bob@receipts.example.org"/>',
  '<stored xmlns="urn:openfire-receipts:0" id="1" to="bob@receipts.example.org" durability="paper"/>',
  '<unconfirmed xmlns="urn:openfire-receipts:0" id="1"/>',
  '<expired xmlns="urn:openfire-receipts:0" id="1"/>',
  '<batch xmlns="urn:openfire-receipts:0">1</batch>',
  '<status xmlns="urn:openfire-receipts:0"/>',
  '<status xmlns="urn:openfire-receipts:0"><message id="1" to="bob@example.org" state="lost"/></status>',
  '<status xmlns="urn:openfire-receipts:0"><message id="1" to="bob@example.org" stored="today"/></status>',
  '<forgotten xmlns="urn:openfire-receipts:0"/>',
  '<gate xmlns="urn:openfire-receipts:gate:1"><stored n="1"/></gate>',
  '<gate xmlns="urn:openfire-receipts:gate:1"><outcome n="a-1" copy="1" state="sent lost"/></gate>',
  '<gate xmlns="urn:openfire-receipts:gate:1"><outcome n="a-1" copy="1" state=""/></gate>',
  '<gate xmlns="urn:openfire-receipts:gate:1"><has n="a-1" jid="bob@example.org/x" session="1" by="word of mouth"/></gate>',
  '<gate xmlns="urn:openfire-receipts:gate:1"><held n="a-1"/></gate>',
  '<gate xmlns="urn:openfire-receipts:gate:1"><session jid="bob@example.org/x" id="1" state="here"/></gate>',
])('not valid: %s', (xml) => {
  expect(schemas.faultOf(xml)).toEqual(expect.stringContaining('Element'));
});
