import { readFileSync } from 'node:fs';
import { conditionIn } from '../../src/console/words/conditions.ts';
import { assessGate } from '../../src/health/gate-readiness.ts';
import { LOSS_TEXT, restoredText } from '../../src/health/ledger-identity.ts';
import type { GateLeaseState, Observations } from '../../src/health/observations.ts';
import { assessReadiness } from '../../src/health/readiness.ts';
import { PartlyError, redisFault } from '../../src/store/redis/redis-faults.ts';
import { assessInfo } from '../../src/store/redis/server-setup.ts';
import { domainRefused, noHeader, socketProblem, streamError } from '../../src/xmpp/connection/link-problem.ts';

const NAMES = { component: 'receipts.example.org', served: 'example.org' };
const NOW = Date.parse('2026-01-02T03:04:05Z');
const STORAGE = { refusals: [], warnings: [], pausedQueues: [], lastSuccessAt: 100_000, failingSince: undefined };
const FINE: Observations = {
  link: {
    online: true,
    connectedSince: NOW - 60_000,
    provedAt: NOW,
    lastProblem: undefined,
    awaitingAnswerFor: undefined,
    roundTrip: 20,
    answersMisrouted: false,
  },
  domain: { conflict: undefined, servedError: undefined, unprovedSince: undefined },
  storage: { ...STORAGE, fault: undefined, loss: undefined },
  pipeline: { failingSince: undefined, fault: undefined },
  names: NAMES,
  staleAfter: 5000,
  now: NOW,
  monotonic: 100_000,
};

/** What `/readyz` says then. */
function said(seen: Partial<Observations>): string[] {
  const { problems, warnings } = assessReadiness({ ...FINE, ...seen });
  return [...problems, ...warnings];
}
const ofLink = (link: Partial<Observations['link']>) => said({ link: { ...FINE.link, ...link } });
const ofStorage = (storage: Partial<Observations['storage']>) =>
  said({ storage: { ...FINE.storage, ...storage }, reserve: 0.1 });

function linkTexts(): string[] {
  const problems = [
    ...['not-authorized', 'conflict', 'host-unknown', 'invalid-namespace', 'system-shutdown'].map((condition) =>
      streamError(condition, '', NAMES.component),
    ),
    domainRefused(NAMES.component),
    noHeader('xmpp://127.0.0.1:5275', false),
    noHeader('xmpps://127.0.0.1:5276', true),
    socketProblem(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })),
    socketProblem(new Error('connect ECONNREFUSED 127.0.0.1:5275')),
    socketProblem(new Error('wrong version number')),
  ].map(({ message }) => message);
  const others = ['did not accept a connection', 'did not open the stream', 'did not answer the handshake'];
  return [
    ...problems,
    ...others.map((what) => `127.0.0.1 ${what} in time`),
    'The server closed the stream',
    'The server closed the connection',
    'The server has not answered a ping for 30 s',
    'The server has not answered a ping for 300 s, though it writes',
  ];
}

function gateTexts(): string[] {
  const up = { state: 'up', ready: true } as const;
  const states: GateLeaseState[] = [
    { state: 'asking' },
    ...['service-unavailable', 'forbidden', 'not-allowed: In a cluster', 'nothing answers'].map(
      (why) => ({ state: 'refused', why }) as const,
    ),
    { state: 'ended', why: 'the gate has opened: timeout' },
    { ...up, terms: { version: 0, gate: '0.1.0', proofs: ['sm'] } },
    { ...up, terms: { version: 1, gate: '0.1.0', proofs: ['ping'] } },
  ];
  const unheld = [1, 2].map((count) => ({ count, at: NOW }));
  return [
    ...states.flatMap((state) => said({ gate: { state, downSince: NOW, unheldLately: undefined } })),
    ...unheld.flatMap((unheldLately) => {
      const { warnings = [] } = assessGate({ state: { state: 'off' }, downSince: undefined, unheldLately }, NAMES);
      return warnings;
    }),
  ];
}

/** What is said of Redis: the texts in the code, and those that are made. */
function redisTexts(): string[] {
  const source = readFileSync(new URL('../../src/store/redis/redis-faults.ts', import.meta.url), 'utf8');
  const written = [...source.matchAll(/text: '([^']+)'/g)].map(([, text]) => text as string);
  expect(written.length).toBeGreaterThan(15);
  const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });
  const made = [
    'Command timed out',
    'Connection is closed.',
    'All sentinels are unreachable. Retrying from scratch after 50ms.',
    'All sentinels are unreachable. Retrying from scratch after 50ms. Last error: No such master with that name',
    'All sentinels are unreachable. Retrying from scratch after 50ms. Last error: WRONGPASS invalid',
    'self-signed certificate in certificate chain',
    'connect EACCES /run/redis/redis.sock',
    'tlsv13 alert certificate required:',
  ].map((message) => redisFault(new Error(message)).text);
  const setups = [
    assessInfo('maxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n', '', undefined),
    assessInfo('maxmemory_policy:noeviction\r\naof_enabled:0\r\n', '3600 1', undefined),
    assessInfo('maxmemory_policy:noeviction\r\naof_enabled:1\r\n', '', 'everysec'),
  ];
  const named = setups.flatMap(({ refusals, warnings }) => [...refusals, ...warnings]);
  return [
    ...written,
    ...made,
    redisFault(reply('WRONGTYPE Operation')).text,
    redisFault(new PartlyError('2 of 16', reply('LOADING x'))).text,
    ...named,
    ...named.map((text) => `10.0.0.1:6379: ${text}`),
  ];
}

test('each condition of /readyz is said in Chinese', () => {
  const { servedError: _, ...domain } = FINE.domain;
  const conflicts = (['proxy', 'component'] as const).map((who) => ({ ...FINE.domain, conflict: { who, since: NOW } }));
  const texts = [
    ...ofLink({ standsBy: true }),
    ...ofLink({ online: false }),
    ...linkTexts().flatMap((lastProblem) => ofLink({ online: false, downSince: NOW, lastProblem })),
    ...ofLink({ awaitingAnswerFor: 5000 }),
    ...ofLink({ connectedSince: NOW - 1000, provedAt: undefined }),
    ...ofLink({ connectedSince: NOW - 60_000, provedAt: undefined }),
    ...said({ domain: { ...domain, servedError: 'remote-server-not-found', servedErrorSince: NOW } }),
    ...conflicts.flatMap((one) => said({ domain: one as Observations['domain'] })),
    ...redisTexts().flatMap((text) => [
      ...ofStorage({
        failingSince: 100_000,
        fault: { kind: 'state', code: 'X', text, reconnect: false, lasting: false },
      }),
      ...ofStorage({ warnings: [text] }),
      ...ofStorage({ refusals: [text], refusedSince: 100_000 }),
    ]),
    ...ofStorage({ lastSuccessAt: undefined, watchedSince: 100_000 }),
    ...ofStorage({ lastSuccessAt: 1 }),
    ...ofStorage({ memoryUsed: 0.95, reserveReachedSince: 100_000 }),
    ...ofStorage({ memoryUsed: 0.85 }),
    ...Object.values(LOSS_TEXT).flatMap((text) => ofStorage({ loss: { text, at: 100_000 } })),
    ...[true, false].flatMap((isEnding) =>
      ofStorage({ heldBack: restoredText({ upto: NOW, pending: 12, isEnding }, 60_000) }),
    ),
    ...ofStorage({ pausedQueues: ['redelivery', 'expiry'] }),
    ...said({ sweeps: { sweptAt: 1, fault: undefined } }),
    ...gateTexts(),
  ];
  expect(texts.length).toBeGreaterThan(100);
  const left = texts.filter((text) => conditionIn('zh', text).some(({ lang }) => lang === 'en'));
  expect(left).toEqual([]);
});

test('values stay, sentences are parted, and what is not known stays in English', () => {
  const text =
    'Redis is full: it has reached its maxmemory. Something new. Look for a newer plugin (since 2026-01-02T03:04:05Z).';
  expect(conditionIn('zh', text)).toEqual([
    { text: 'Redis 已满：达到了 maxmemory。', lang: 'zh' },
    { text: 'Something new.', lang: 'en' },
    { text: '请查找更新的插件。', lang: 'zh' },
    { text: '（自 2026-01-02T03:04:05Z 起）', lang: 'zh' },
  ]);
  expect(conditionIn('zh', 'No link to the XMPP server: connecting.')).toEqual([
    { text: '与 XMPP 服务器没有连接：正在连接。', lang: 'zh' },
  ]);
  expect(conditionIn('en', text)).toEqual([{ text, lang: 'en' }]);
});
