import { readdirSync, readFileSync } from 'node:fs';
import { Hono } from 'hono';
import { frontWords } from '../../src/console/front-words.ts';
import { en } from '../../src/console/words/en.ts';
import { isWord, LANGUAGES, preferred, translator } from '../../src/console/words/language.ts';
import { createRoutes } from '../../src/http/routes.ts';

const placesIn = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();

test.each(Object.entries(LANGUAGES))('%s has the same words, with the same places to fill in', (_, words) => {
  expect(Object.keys(words).sort()).toEqual(Object.keys(en).sort());
  for (const [word, text] of Object.entries(words)) {
    expect([word, placesIn(text)]).toEqual([word, placesIn(en[word as keyof typeof en])]);
    expect([word, text.trim()]).toEqual([word, text]);
    expect(text).not.toBe('');
  }
});

test('every step that is traced, and every event that the store notes, has words', () => {
  const source = readFileSync(new URL('../../src/util/message-trace.ts', import.meta.url), 'utf8');
  const traced = [...source.matchAll(/^ {2}(?:'([^']+)'|(\w+)): '(?:debug|trace)',$/gm)].map(([, a, b]) => a ?? b);
  const scripts = new URL('../../src/store/redis/scripts/', import.meta.url);
  const noted = readdirSync(scripts, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.lua'))
    .flatMap((name) => [
      ...readFileSync(new URL(name, scripts), 'utf8').matchAll(/\brecord_event\(\w+, now, '([\w-]+)'/g),
    ])
    .map(([, event]) => event);
  const routes = [...'ogtnsxb?v'].map((route) => `handed-over:${route}`);
  expect(traced.length).toBeGreaterThan(25);
  expect(noted.length).toBeGreaterThan(4);
  const all = [...traced, ...noted, ...routes, 'requeued'];
  expect(all.filter((step) => !isWord(`step_${step}`))).toEqual([]);
});

test('a browser gets its language, or English', () => {
  expect(preferred(undefined)).toBe('en');
  expect(preferred('zh-CN,zh;q=0.9,en;q=0.8')).toBe('zh');
  expect(preferred('de, en;q=0.7, zh;q=0.8')).toBe('zh');
  expect(preferred('zh;q=0, fr')).toBe('en');
  expect(preferred(';;;,q=')).toBe('en');
});

test('what is filled in is not looked through for further places', () => {
  const t = translator('en');
  expect(t('waitingFor', { user: '{user}$&' })).toBe('Waiting for {user}$&');
  expect(t('waitingFor')).toBe('Waiting for {user}');
});

describe('the page for who has not signed in', () => {
  const shown = async (header: string, cookie = '') => {
    const app = createRoutes({
      config: { host: '127.0.0.1', port: 0, user: 'admin', password: 'hush' },
      queues: [],
      metrics: { contentType: 'text/plain', render: async () => '' },
      readiness: () => ({ ready: false, problems: ['The server closed the stream. So much is known to nobody.'] }),
      log: { info: () => {}, warn: () => {}, error: () => {} },
      console: new Hono(),
      words: frontWords,
    });
    return (await app.request('/', { headers: { 'accept-language': header, cookie } })).text();
  };

  test('is in the language of the browser, or in the one that was chosen', async () => {
    expect(await shown('en')).toMatch(/<html lang="en">[\s\S]*Not ready[\s\S]*the console: sign in/);
    const chinese = /<html lang="zh">[\s\S]*未就绪[\s\S]*服务器关闭了流。[\s\S]*控制台：登录/;
    expect(await shown('zh-CN,zh;q=0.9,en;q=0.5')).toMatch(chinese);
    expect(await shown('en', 'language=zh')).toMatch(chinese);
    // What has no words stays in English, and says so.
    expect(await shown('zh')).toContain('<span lang="en">So much is known to nobody.');
  });
});
