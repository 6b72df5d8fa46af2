import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { loadConfig } from '../../src/config/config.ts';
import type { Setting } from '../../src/config/setting.ts';
import { NAMES, SETTINGS } from '../../src/config/settings.ts';
import { documents } from '../../tools/docs.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const REQUIRED = { XMPP_COMPONENT_DOMAIN: 'receipts.example.org', XMPP_COMPONENT_SECRET: 'hush' };

test.each(Object.entries(documents()))('%s is what "npm run docs" makes', (path, text) => {
  expect(read(path)).toBe(text);
});

test('.env.example has every variable, and shows what is the default anyway', () => {
  const example = parseEnv(read('.env.example').replace(/^# ([A-Z_]+=)/gm, '$1'));
  expect(Object.keys(example).sort()).toEqual([...NAMES].sort());
  expect(loadConfig({ ...example, ...REQUIRED })).toEqual(loadConfig(REQUIRED));
});

test('.env.example lacks what nobody else can know, and nothing more', () => {
  expect(parseEnv(read('.env.example'))).toEqual({ XMPP_COMPONENT_DOMAIN: '', XMPP_COMPONENT_SECRET: '' });
});

test('every example and default is one', () => {
  for (const name of NAMES.filter((it) => it !== 'XMPP_TLS_CA')) {
    const setting: Setting = SETTINGS[name];
    for (const text of [setting.example, setting.default]) {
      if (text !== undefined) expect([name, setting.value.safeParse(text).success]).toEqual([name, true]);
    }
  }
});
