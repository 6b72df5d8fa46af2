import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
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
  // But for files, which are not here.
  for (const name of NAMES.filter((it) => !/_TLS_(CA|CERT|KEY)$/.test(it))) {
    const setting: Setting = SETTINGS[name];
    for (const text of [setting.example, setting.default]) {
      if (text !== undefined) expect([name, setting.value.safeParse(text).success]).toEqual([name, true]);
    }
  }
});

describe('pages that people write', () => {
  const ROOT = new URL('../../', import.meta.url).pathname;
  const filesIn = (folder: string) => readdirSync(path.join(ROOT, folder)).map((name) => path.join(folder, name));
  const PAGES = [
    '.',
    'docs',
    'openfire',
    'prosody',
    'bench',
    'packages/client',
    'deploy/kubernetes',
    'tests/abuse',
    'tests/support',
  ]
    .flatMap(filesIn)
    .filter((name) => name.endsWith('.md'));

  /** As GitHub makes an anchor of a heading. */
  const anchorOf = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
  const anchorsOf = (text: string) =>
    [...text.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading as string));

  test.each(PAGES)('the links of %s lead somewhere', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link as string);
    const broken = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? page : path.join(path.dirname(page), file);
      if (!existsSync(path.join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test.each(['ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/glossary.md'])(
    'what %s names in backquotes is there',
    (page) => {
      const named = [...read(page).matchAll(/`((?:src|packages|tests|docs|bench|tools)\/[\w./-]*)`/g)].map(
        ([, name]) => name,
      );
      expect(named.filter((name) => !existsSync(path.join(ROOT, name as string)))).toEqual([]);
      if (page === 'ARCHITECTURE.md') expect(named.length).toBeGreaterThan(30);
    },
  );

  test('what is drawn in ARCHITECTURE.md is there, and each room is named', () => {
    const text = read('ARCHITECTURE.md');
    const drawn = [...text.matchAll(/\bsrc\/[\w/-]+\.(?:ts|lua)\b/g)].map(([name]) => name);
    expect(drawn.filter((name) => !existsSync(path.join(ROOT, name)))).toEqual([]);
    const rooms = ['src', 'src/xmpp', 'src/store', 'packages']
      .flatMap(filesIn)
      .filter((name) => path.extname(name) === '' && name !== 'src/xmpp');
    expect(rooms.filter((room) => !text.includes(`\`${room}`))).toEqual([]);
  });

  test('tests/support/README.md names each kit', () => {
    const text = read('tests/support/README.md');
    const files = readdirSync(path.join(ROOT, 'tests/support'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(ts|mjs)$/.test(name),
    );
    const parts = /^openfire\/(?!openfire|bare)|client-library\.d/;
    const missing = files.filter((file) => !parts.test(file) && !text.includes(`\`${path.basename(file)}\``));
    expect(files.length).toBeGreaterThan(40);
    expect(missing).toEqual([]);
  });
});
