import { randomBytes } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { parseUser } from '../commands/user-names.ts';
import { timeOf } from './api/endpoints.ts';
import { complaintOf, exportLetters } from './api/routes.ts';
import { giveUp, retry, retryAllTo } from './model/changes.ts';
import { deadLetters } from './model/dead-letters.ts';
import { life } from './model/life.ts';
import { search } from './model/messages.ts';
import { now } from './model/now.ts';
import { forget, people, records } from './model/people.ts';
import { waiting } from './model/waiting.ts';
import { deadLettersPage } from './pages/dead-letters.ts';
import { layout, type PageParts } from './pages/layout.ts';
import { type Asked, lifePage, messagesPage } from './pages/messages.ts';
import { nowPage } from './pages/now.ts';
import { forgetPage, peoplePage } from './pages/people.ts';
import { openUi, type Ui } from './pages/ui.ts';
import { waitingPage } from './pages/waiting.ts';
import type { ConsolePorts } from './ports.ts';
import type { Outcomes } from './schemas.ts';
import { languageOf } from './words/asked-language.ts';
import { isLanguage } from './words/language.ts';

/** Entries of a list. */
const LIST = 50;
/** Characters of a form that is posted: 50 keys, and some. */
const MOST_BYTES = 65_536;

const COOKIE = { path: '/', httpOnly: true, sameSite: 'Strict' } as const;
const OUTCOMES = ['sent', 'left', 'ended', 'gone'] as const;

/** A form that was posted without what our own pages send along. */
class StaleForm extends Error {}

/** The console's pages. What changes something is posted, with a token that only our own pages know. */
export function pageRoutes(ports: ConsolePorts): Hono {
  const app = new Hono({ strict: false });

  const show = async (
    c: Context,
    ui: Ui,
    parts: Omit<PageParts, 'here'>,
    status: 200 | 400 | 403 | 404 | 503 = 200,
  ) => {
    const { pathname, search: query } = new URL(c.req.url);
    const here = c.req.method === 'GET' ? pathname + query : parts.at;
    return c.html(await layout(ui, { ...parts, here }), status);
  };

  const nowHandler = async (c: Context) => {
    const ui = uiOf(c);
    return show(c, ui, { at: '/now', title: ui.t('now'), body: nowPage(ui, await now(ports)), charts: true });
  };
  app.get('/', nowHandler);
  app.get('/now', nowHandler);

  app.get('/language', (c) => {
    const { to, back = '/now' } = c.req.query();
    if (isLanguage(to)) setCookie(c, 'language', to, { ...COOKIE, maxAge: 365 * 86_400 });
    // Only to a page of ours.
    return c.redirect(/^\/(?!\/|\\)/.test(back) ? back : '/now', 303);
  });

  app.get('/messages', async (c) => {
    const ui = uiOf(c);
    const asked = asked_(c.req.query());
    const page = { at: '/messages', title: ui.t('messages') };
    if (Object.keys(asked).length === 0) return show(c, ui, { ...page, body: messagesPage(ui, asked, undefined) });
    try {
      const { since, until, ...rest } = asked;
      const found = await search(ports, { ...rest, since: timeOf(since), until: timeOf(until) }, LIST);
      return show(c, ui, { ...page, body: messagesPage(ui, asked, found) });
    } catch (error) {
      const complaint = complaintOf(error);
      if (complaint === undefined) throw error;
      return show(c, ui, { ...page, body: messagesPage(ui, asked, undefined, complaint) }, 400);
    }
  });
  const showLife = async (c: Context, key: string, notice?: string) => {
    const ui = uiOf(c);
    const found = await life(ports, key);
    const page = { at: '/messages', title: ui.t('life'), notice };
    if (found === undefined) return show(c, ui, { ...page, body: ui.t('noMessage') }, 404);
    return show(c, ui, { ...page, body: lifePage(ui, found) });
  };
  app.get('/messages/:key', (c) => showLife(c, c.req.param('key'), noticeOf(uiOf(c), c.req.query('done'))));
  app.post('/messages/:key', async (c) => {
    const form = await formOf(c);
    const key = c.req.param('key');
    const outcomes = form.get('action') === 'cancel' ? await giveUp(ports, [key]) : await retry(ports, [key]);
    return c.redirect(`/messages/${encodeURIComponent(key)}?done=${written(outcomes)}`, 303);
  });

  app.get('/waiting', async (c) => {
    const ui = uiOf(c);
    const user = c.req.query('for')?.trim() || undefined;
    const title = user === undefined ? ui.t('waitingAll') : ui.t('waitingFor', { user });
    const page = { at: '/waiting', title };
    try {
      const bare = user === undefined ? undefined : parseUser(ports.addresses, user);
      return show(c, ui, { ...page, body: waitingPage(ui, user, await waiting(ports, bare, LIST)) });
    } catch (error) {
      const complaint = complaintOf(error);
      if (complaint === undefined) throw error;
      return show(c, ui, { ...page, body: waitingPage(ui, user, undefined, complaint) }, 400);
    }
  });

  app.get('/people', async (c) => {
    const ui = uiOf(c);
    const { forgotten, count = '', done } = c.req.query();
    const notice =
      forgotten === undefined
        ? undefined
        : ui.t(done === '1' ? 'forgetDone' : 'forgetGoesOn', { user: forgotten, count: Number(count) || 0 });
    const body = peoplePage(ui, await people(ports));
    return show(c, ui, { at: '/people', title: ui.t('people'), body, notice });
  });
  app.get('/people/forget', async (c) => {
    const ui = uiOf(c);
    const page = { at: '/people', title: ui.t('forgetUser') };
    try {
      const user = parseUser(ports.addresses, c.req.query('user') ?? '');
      return show(c, ui, { ...page, body: forgetPage(ui, await records(ports, user)) });
    } catch (error) {
      const complaint = complaintOf(error);
      if (complaint === undefined) throw error;
      return show(c, ui, { ...page, body: peoplePage(ui, await people(ports), complaint) }, 400);
    }
  });
  app.post('/people/forget', async (c) => {
    const form = await formOf(c);
    const { user, done, erased } = await forget(ports, parseUser(ports.addresses, form.get('user') ?? ''));
    const told = new URLSearchParams({ forgotten: user, count: `${erased}`, done: done ? '1' : '0' });
    return c.redirect(`/people?${told}`, 303);
  });

  app.get('/dead-letters', async (c) => {
    const ui = uiOf(c);
    const user = c.req.query('of')?.trim() || undefined;
    const page = { at: '/dead-letters', title: ui.t('deadLetters'), notice: noticeOf(ui, c.req.query('done')) };
    try {
      const bare = user === undefined ? undefined : parseUser(ports.addresses, user);
      const found = await deadLetters(ports, bare, LIST);
      return show(c, ui, { ...page, body: deadLettersPage(ui, bare, found) });
    } catch (error) {
      const complaint = complaintOf(error);
      if (complaint === undefined) throw error;
      return show(c, ui, { ...page, body: deadLettersPage(ui, user, undefined, complaint) }, 400);
    }
  });
  app.post('/dead-letters', async (c) => {
    const form = await formOf(c);
    const keys = form.getAll('key').slice(0, LIST);
    const outcomes = form.get('action') === 'cancel' ? giveUp(ports, keys) : retry(ports, keys);
    return c.redirect(lettersOf(form.get('of'), keys.length === 0 ? 'none' : written(await outcomes)), 303);
  });
  app.post('/dead-letters/retry-all', async (c) => {
    const form = await formOf(c);
    const user = parseUser(ports.addresses, form.get('to') ?? '');
    return c.redirect(lettersOf(user, written(await retryAllTo(ports, user))), 303);
  });
  app.get('/dead-letters.jsonl', (c) => {
    const user = c.req.query('of');
    return exportLetters(c, ports, user === undefined ? undefined : parseUser(ports.addresses, user));
  });

  app.notFound((c) => {
    const ui = uiOf(c);
    return show(c, ui, { at: '', title: ui.t('wrong'), body: ui.t('notFound') }, 404);
  });
  app.onError((error, c) => {
    const ui = uiOf(c);
    const page = { at: '', title: ui.t('wrong') };
    if (error instanceof StaleForm) return show(c, ui, { ...page, body: ui.t('stale') }, 403);
    const complaint = complaintOf(error);
    if (complaint !== undefined) return show(c, ui, { ...page, body: complaint }, 400);
    ports.context.log.warn({ err: error, path: c.req.path }, 'The console could not be answered');
    return show(c, ui, { ...page, body: ui.t('redisSilent') }, 503);
  });
  return app;
}

/** In the language that was chosen, or that the browser asks for; with the token of this browser. */
function uiOf(c: Context): Ui {
  let token = getCookie(c, 'csrf');
  if (token === undefined || !/^[\w-]{32}$/.test(token)) {
    token = randomBytes(24).toString('base64url');
    setCookie(c, 'csrf', token, COOKIE);
  }
  return openUi(languageOf(c), token);
}

/** @throws {StaleForm} when it is not from a page of ours */
async function formOf(c: Context): Promise<URLSearchParams> {
  const text = await c.req.text();
  const form = new URLSearchParams(text.slice(0, MOST_BYTES));
  const token = getCookie(c, 'csrf');
  // The same in both: another site's page can neither read the cookie nor have it sent along.
  if (token === undefined || token === '' || form.get('csrf') !== token) throw new StaleForm();
  return form;
}

function asked_(query: Record<string, string>): Asked {
  const names = ['id', 'from', 'to', 'since', 'until'] as const;
  const given = names.flatMap((name) => {
    const value = name === 'id' ? query[name] : query[name]?.trim();
    return value ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given);
}

function lettersOf(user: string | null, done: string): string {
  return `/dead-letters?${new URLSearchParams({ ...(user && { of: user }), done })}`;
}

/** What came of it in an address: only numbers, so that no address can put words into the page. */
function written(outcomes: Outcomes): string {
  if (outcomes.paused) return 'paused';
  const counts = OUTCOMES.map((name) => outcomes[name]).join('-');
  return outcomes.more ? `${counts}-more` : counts;
}

function noticeOf({ t }: Ui, done: string | undefined): string | undefined {
  if (done === undefined) return undefined;
  if (done === 'paused') return t('isPaused');
  if (done === 'none') return t('noneChosen');
  const parts = done.split('-');
  const said = OUTCOMES.flatMap((name, at) => {
    const count = Number(parts[at]);
    return Number.isInteger(count) && count > 0 ? [t(`outcome_${name}`, { count })] : [];
  });
  if (parts.at(-1) === 'more') said.push(t('outcome_more'));
  return said.length === 0 ? t('outcome_gone', { count: 0 }) : `${said.join('; ')}.`;
}
