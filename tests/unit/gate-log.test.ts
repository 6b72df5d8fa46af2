// What a gate logs of a failure is where it was: the text of an exception may quote a message.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const lines = (folder: string) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(java|lua)$/.test(name))
    .flatMap((name) => readFileSync(path.join(ROOT, folder, name), 'utf8').split('\n'));

test('no message body in the gate’s log: no line of it has an exception, or its text', () => {
  const java = lines('openfire/plugin/src/main/java').filter((line) =>
    /\b(?:log(?:\.\w+)?|warn)\(.*[fF]ail/i.test(line),
  );
  const lua = lines('prosody/mod_receipts_gate').filter((line) => /module:log\(.*fail/.test(line));
  expect(java.length).toBeGreaterThan(4);
  expect(lua.length).toBeGreaterThan(2);
  const bad = [
    ...java.filter((line) => /\bfailure\b(?!\) ->)/.test(line.replaceAll('Faults.name(failure)', ''))),
    ...lua.filter((line) => /\berr\b/.test(line.replaceAll(/function \(_, err\)|faults\.place_in\(err\)/g, ''))),
  ];
  expect(bad).toEqual([]);
});
