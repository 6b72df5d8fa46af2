import { Validator } from '@seriousme/openapi-schema-validator';
import type { z } from 'zod';
import { ENDPOINTS } from '../../src/console/api/endpoints.ts';
import { openApi } from '../../src/console/api/openapi.ts';
import * as schemas from '../../src/console/schemas.ts';
import { ConsoleStage } from '../support/stages/console-stage.ts';
import { until } from '../support/time/until.ts';

/** The console's pages and its API, of a whole component with real traffic. */
let stage: ConsoleStage;
const ALICE = 'alice@example.org';
const BOB = 'bob@example.org';

beforeAll(async () => {
  stage = await ConsoleStage.open({ TRACE_MESSAGES: '24h' });
});
afterAll(() => stage.close());

const outputOf = (name: string) => ENDPOINTS.find((one) => one.name === name)?.output as z.ZodType;

/** Asks, and gives the answer if it is what the schema says. */
async function ask<T>(name: string, path: string): Promise<T> {
  return outputOf(name).parse(await stage.get(`/api${path}`)) as T;
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(stage.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, answer: text.startsWith('{') ? (JSON.parse(text) as unknown) : text };
}

async function order<T>(name: string, path: string, body: unknown): Promise<T> {
  const { status, answer } = await post(`/api${path}`, body);
  expect([status, answer]).toEqual([200, answer]);
  return outputOf(name).parse(answer) as T;
}

/** A page, whose text is read. */
async function page(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(stage.url + path, { headers, redirect: 'manual' });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function keyOf(id: string): Promise<string> {
  const found = await until(
    async () => (await ask<schemas.Messages>('findMessages', `/messages?id=${id}`)).messages[0],
    { what: `the message ${id}` },
  );
  return (found as schemas.Message).key;
}

/** What a message's life has in it, once it has this step. */
async function stepsOf(id: string, last: string): Promise<schemas.Step[]> {
  const key = await keyOf(id);
  return until(
    async () => {
      const { steps } = await ask<schemas.Life>('getMessage', `/messages/${key}`);
      return steps.some(({ what }) => what === last) ? steps : undefined;
    },
    { what: `the step ${last}` },
  ) as Promise<schemas.Step[]>;
}

describe('the API', () => {
  test('is described as OpenAPI wants it, and has in it what there is', async () => {
    const described = await stage.get<{ paths: object; info: { version: string } }>('/api/openapi.json');
    expect(described).toEqual(JSON.parse(JSON.stringify(openApi(described.info.version))));
    expect(await new Validator().validate(described)).toMatchObject({ valid: true });
    expect(Object.keys(described.paths).sort()).toEqual(
      [...new Set([...ENDPOINTS.map(({ path }) => `/api${path}`), '/api/dead-letters.jsonl'])].sort(),
    );
  });

  test('says how it is', async () => {
    await until(async () => (await ask<schemas.Now>('getNow', '/now')).ready, { what: 'readiness' });
    await stage.proxy.history.sample();
    const now = await ask<schemas.Now>('getNow', '/now');
    expect(now).toMatchObject({ mode: 'subdomain', component: 'receipts.example.org', problems: [] });
    expect(now.linkedSince).toBeDefined();
    expect(now.lastHour.length).toBeGreaterThan(0);
  });

  test('tells the life of a message that was delivered, with who has it and why it was done', async () => {
    const id = await stage.delivered('Told step by step');
    const steps = await stepsOf(id, 'confirmed');
    const words = steps.map(({ what }) => what);
    for (const what of ['accepted', 'acknowledged', 'forwarded', 'confirmed']) expect(words).toContain(what);
    expect(steps.find(({ what }) => what === 'confirmed')).toMatchObject({
      session: `${BOB}/desk`,
      why: 'a receipt, delivered',
    });
    expect(JSON.stringify(steps)).not.toContain('Told step by step');
  });

  test('finds a message by its id, sender, recipient and time, and no other', async () => {
    const early = new Date(Date.now() - 60_000).toISOString();
    const id = await stage.delivered('Sought');
    const key = await keyOf(id);
    const find = (query: string) => ask<schemas.Messages>('findMessages', `/messages?${query}`);
    const has = async (query: string) => (await find(query)).messages.some((one) => one.key === key);
    for (const query of [`id=${id}`, `id=${key}`, `from=${ALICE}`, `to=bob@receipts.example.org`, `since=${early}`])
      expect([query, await has(query)]).toEqual([query, true]);
    expect(await has(`id=${id}&from=${ALICE}&to=${BOB}&since=${early}`)).toBe(true);
    for (const query of [`from=${BOB}`, `to=carol@example.org`, `until=${early}`, 'id=another'])
      expect([query, await has(query)]).toEqual([query, false]);
  });

  test('says what waits for whom, and what happens next', async () => {
    const id = await stage.stored('erin', 'For who never comes');
    const waiting = (await until(
      async () =>
        (
          await ask<schemas.Waiting>('getWaiting', '/waiting?for=erin@receipts.example.org')
        ).messages.find(({ copies }) => copies === 1),
      { what: 'the copy to be handed over' },
    )) as schemas.WaitingMessage;
    expect(waiting).toMatchObject({ from: ALICE, to: 'erin@example.org', id, state: 'pending' });
    const { next } = waiting;
    expect(next).toMatchObject({ what: 'send', ends: 'unconfirmed', situation: { presence: 'unknown' } });
    const people = await ask<schemas.People>('getPeople', '/people');
    expect(people.waiting).toContainEqual(expect.objectContaining({ user: 'erin@example.org', messages: 1 }));
    expect(people.heaviest).toContainEqual(expect.objectContaining({ of: ALICE }));
  });

  test('sends dead letters again, one or all of a recipient, gives them up, and gives them as lines', async () => {
    const [one, two, three] = [
      await stage.failed('dave', 'No 1'),
      await stage.failed('dave', 'No 2'),
      await stage.failed('frank', 'No 3'),
    ];
    const lines = (await page('/api/dead-letters.jsonl?of=dave@example.org')).text.trim().split('\n');
    expect(lines.map((line) => schemas.DeadLetter.parse(JSON.parse(line)).messageId).sort()).toEqual([one, two].sort());
    const list = await ask<schemas.DeadLetters>('getDeadLetters', '/dead-letters');
    const keyOfLetter = (id: string) => list.letters.find(({ messageId }) => messageId === id)?.id as string;
    expect(list.letters.find(({ messageId }) => messageId === three)).toMatchObject({
      why: expect.stringContaining('not-acceptable'),
      message: true,
    });
    const dave = stage.openfire.user('dave', 'desk');
    const action = { action: 'retry', keys: [keyOfLetter(one)] };
    expect(await order('changeMessages', '/messages', action)).toMatchObject({ sent: 1, gone: 0 });
    await dave.hears('No 1');
    expect(await order('retryAllDeadLetters', '/dead-letters/retry-all', { to: 'dave@example.org' })).toMatchObject({
      sent: 1,
      more: false,
    });
    await dave.hears('No 2');
    const givenUp = { action: 'cancel', keys: [keyOfLetter(three), 'there-is-none'] };
    expect(await order('changeMessages', '/messages', givenUp)).toMatchObject({ ended: 1, gone: 1 });
    await until(async () => (await stage.deadLetters()).length === 0, { what: 'the dead letters to be gone' });
    dave.offline();
  });

  test('forgets a user, and the steps of his messages', async () => {
    const id = await stage.stored('gina', 'To be forgotten');
    const key = await keyOf(id);
    expect(await ask('countRecords', '/people/gina@example.org')).toMatchObject({ records: 1, all: true });
    expect(await order('forgetUser', '/people/forget', { user: 'gina@example.org' })).toMatchObject({
      done: true,
      erased: 1,
    });
    expect((await page(`/api/messages/${key}`)).status).toBe(404);
    // What waits was looked through a moment ago, and that is good for a few seconds.
    await until(async () => (await ask<schemas.Messages>('findMessages', `/messages?id=${id}`)).messages.length === 0);
  });

  test('refuses what it does not understand, in words', async () => {
    for (const path of ['/messages?limit=x', '/messages?nothing=1', '/waiting?for=%00', '/messages?since=today'])
      expect(await page(`/api${path}`)).toMatchObject({ status: 400, text: expect.stringContaining('error') });
    expect((await page('/api/messages/none')).status).toBe(404);
    expect((await page('/api/none')).status).toBe(404);
    for (const body of [{}, { action: 'drop', keys: ['a'] }, { action: 'retry', keys: [] }, []])
      expect((await post('/api/messages', body)).status).toBe(400);
    expect((await post('/api/messages', {}, { 'content-type': 'text/plain' })).status).toBe(400);
    expect((await post('/api/messages', {}, { origin: 'https://evil.example' })).status).toBe(403);
  });
});

describe('the pages', () => {
  test.each(['/', '/now', '/messages', `/messages?from=${ALICE}`, '/people', '/waiting', '/dead-letters'])(
    '%s is there, in two languages, and runs nothing but its own',
    async (path) => {
      const english = await page(path, { 'accept-language': 'en' });
      const chinese = await page(path, { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.5' });
      expect([english.status, chinese.status]).toEqual([200, 200]);
      expect(english.text).toContain('<html lang="en">');
      expect(chinese.text).toContain('<html lang="zh">');
      const policy = english.headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
      expect(policy).not.toContain('unsafe');
      expect(english.text).not.toMatch(/<script>|<script[^>]*>[^<]|<style| style=| on\w+="/);
    },
  );

  test('show what is written in messages nowhere, and escape what comes from users', async () => {
    const id = await stage.stored('erin', 'A secret of theirs');
    await stage.alice.say('erin@receipts.example.org', 'Another', { id: '<img src=x>' });
    await until(async () => (await page('/waiting?for=erin@example.org')).text.includes('&lt;img src=x&gt;'));
    for (const path of ['/waiting', `/messages/${await keyOf(id)}`, `/messages?to=erin@example.org`]) {
      const { text } = await page(path);
      expect(text).not.toContain('A secret of theirs');
      expect(text).not.toContain('<img');
    }
  });

  test('change nothing without the token that only they send along', async () => {
    const press = async (path: string, fields: Record<string, string>, cookie: string) => {
      const response = await fetch(stage.url + path, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(fields),
      });
      return { status: response.status, to: response.headers.get('location') };
    };
    const id = await stage.stored('hana', 'Still here');
    const { headers, text } = await page('/people/forget?user=hana@example.org');
    const cookie = (headers.get('set-cookie') as string).split(';')[0] as string;
    const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] as string;
    const user = 'hana@example.org';
    for (const [fields, sent] of [
      [{ user }, cookie],
      [{ user, csrf: 'x' }, cookie],
      [{ user, csrf }, ''],
      [{ user, csrf: '' }, 'csrf='],
    ] as const)
      expect((await press('/people/forget', fields, sent)).status).toBe(403);
    expect((await press('/dead-letters', { key: 'a', action: 'cancel' }, cookie)).status).toBe(403);
    expect((await press(`/messages/${await keyOf(id)}`, { action: 'cancel' }, cookie)).status).toBe(403);
    expect(await ask('countRecords', `/people/${user}`)).toMatchObject({ records: 1 });
    const done = await press('/people/forget', { user, csrf }, cookie);
    expect(done).toEqual({ status: 303, to: '/people?forgotten=hana%40example.org&count=1&done=1' });
    expect((await page(done.to as string)).text).toContain('All about hana@example.org is erased: 1 messages.');
  });

  test('remember the language, and lead nowhere else', async () => {
    const { status, headers } = await page('/language?to=zh&back=%2Fpeople');
    expect([status, headers.get('location')]).toEqual([303, '/people']);
    const cookie = (headers.get('set-cookie') as string).split(';')[0] as string;
    expect((await page('/people', { cookie, 'accept-language': 'en' })).text).toContain('<html lang="zh">');
    for (const back of ['https://evil.example/', '//evil.example', '/\\evil.example', ''])
      expect((await page(`/language?to=zh&back=${encodeURIComponent(back)}`)).headers.get('location')).toBe('/now');
  });

  test('say of what is not there that it is not', async () => {
    for (const path of ['/nothing', '/messages/none']) expect((await page(path)).status).toBe(404);
    for (const path of ['/waiting?for=%00', '/messages?from=%00', '/dead-letters?of=%00', '/people/forget?user=%00'])
      expect([path, (await page(path)).status]).toEqual([path, 400]);
  });
});

describe('with a password', () => {
  const headers = { authorization: `Basic ${Buffer.from('admin:hush').toString('base64')}` };
  let closed: ConsoleStage;
  beforeAll(async () => {
    closed = await ConsoleStage.open({ DASHBOARD_PASSWORD: 'hush' });
  });
  afterAll(() => closed.close());

  test('nothing of it is shown to others, but how it is', async () => {
    const statusOf = async (path: string, given: Record<string, string> = {}) =>
      (await fetch(closed.url + path, { headers: given })).status;
    const paths = ENDPOINTS.filter(({ method }) => method === 'get').map(
      ({ path }) => `/api${path.replace(/\{\w+\}/, 'x')}`,
    );
    const all = [...paths, '/api/openapi.json', '/api/dead-letters.jsonl', '/now', '/messages', '/people', '/waiting'];
    for (const path of [...all, '/dead-letters', '/people/forget', '/language', '/x'])
      expect([path, await statusOf(path)]).toEqual([path, 401]);
    expect(await statusOf('/now', headers)).toBe(200);
    const outside = await (await fetch(`${closed.url}/`)).text();
    expect(outside).toContain('href="/now"');
    expect(outside).not.toContain('data-live');
    expect(await (await fetch(`${closed.url}/`, { headers })).text()).toContain('data-live');
  });

  test('without TRACE_MESSAGES a life has what the record shows', async () => {
    const id = await closed.stored('erin', 'Untraced');
    const ask = async (path: string) => (await fetch(closed.url + path, { headers })).json();
    const found = schemas.Messages.parse(await ask(`/api/messages?id=${id}`)).messages[0];
    const life = schemas.Life.parse(await ask(`/api/messages/${found?.key}`));
    expect(life).toMatchObject({ traced: false, message: { id } });
    expect(life.steps[0]).toMatchObject({ what: 'accepted' });
  });

  test('a guesser is slowed down, by whichever page he tries', async () => {
    const wrong = { authorization: `Basic ${Buffer.from('admin:guess').toString('base64')}` };
    const paths = ['/now', '/api/now', '/queues', '/', '/people', '/waiting', '/messages'];
    const statuses: number[] = [];
    for (const path of paths) statuses.push((await fetch(closed.url + path, { headers: wrong })).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429]);
  });
});
