import { assessGate } from './gate-readiness.ts';
import { isoTime } from './iso-time.ts';
import type { LinkState, Observations, Part, Readiness } from './observations.ts';
import { isReserveReached } from './redis-monitor.ts';

/** How long after the handshake a missing answer is no sign of anything, ms. */
const ANSWER_WITHIN = 3000;

const SILENT = 'Redis does not answer: it hangs, or the network to it does';

const OK: Part = { ok: true };

/** Says whether the proxy can do its work, and what keeps it from that. Pure. */
export function assessReadiness(seen: Observations): Readiness {
  const redis = assessRedis(seen);
  const parts = {
    link: assessLink(seen.link, seen.now),
    domain: assessDomain(seen),
    redis,
    ledger: assessLedger(seen),
    queues: assessQueues(seen, redis),
    ...(seen.gate !== undefined && { gate: assessGate(seen.gate, seen.names) }),
  };
  const all = Object.values<Part>(parts);
  const problems = all.flatMap(({ problem, since }) => (problem === undefined ? [] : [sentence(problem, since)]));
  return {
    ready: all.every(({ ok }) => ok),
    problems,
    warnings: all.flatMap(({ warnings = [] }) => warnings),
    parts,
  };
}

function sentence(problem: string, since: string | undefined): string {
  const text = problem.replace(/\.$/, '');
  return since === undefined ? `${text}.` : `${text} (since ${since}).`;
}

/**
 * For how long a server may owe the answer to a ping, ms; a slow one twice as long as it took the last time. Pings go once a
 * second, so that it is said within five. A link is given up much later (pingTimeout); meanwhile nobody is acknowledged.
 */
const ANSWER_LIMIT = 3500;
/** The same where answers go to any process of the domain, as on ejabberd: several in a row may have gone to others. */
const ANSWER_LIMIT_MISROUTED = 20_000;

/** Whether the server takes what we write, as far as can be told. */
export function isResponsive({
  online,
  awaitingAnswerFor = 0,
  roundTrip = 0,
  answersMisrouted,
}: Pick<LinkState, 'online' | 'awaitingAnswerFor' | 'roundTrip' | 'answersMisrouted'>): boolean {
  return (
    online && awaitingAnswerFor <= Math.max(answersMisrouted ? ANSWER_LIMIT_MISROUTED : ANSWER_LIMIT, 2 * roundTrip)
  );
}

function assessLink(link: LinkState, now: number): Part {
  const { online, lastProblem, awaitingAnswerFor = 0, downSince, standsBy } = link;
  // It would take over at once.
  if (standsBy)
    return { ok: true, warnings: ['Another process is connected to the XMPP server, and this one stands by.'] };
  if (!online) {
    const problem = `No link to the XMPP server: ${lastProblem ?? 'connecting'}`;
    return { ok: false, problem, ...(downSince !== undefined && { since: isoTime(downSince) }) };
  }
  // Before its first answer there is another thing to say.
  if (link.provedAt === undefined || isResponsive(link)) return OK;
  return {
    ok: false,
    problem: 'The XMPP server does not answer: it hangs or is overloaded, or the network to it is cut. Messages wait',
    since: isoTime(now - awaitingAnswerFor),
  };
}

function assessDomain({ link, domain, names, now }: Observations): Part {
  // The link says what is wrong.
  if (!link.online) return OK;
  const { component, served } = names;
  if (domain.servedError !== undefined) {
    const { servedErrorSince } = domain;
    return {
      ok: false,
      ...(servedErrorSince !== undefined && { since: isoTime(servedErrorSince) }),
      problem: `The XMPP server does not know ${served} (${domain.servedError}): XMPP_SERVED_DOMAIN must be its own domain, as its users' addresses have it`,
    };
  }
  if (link.provedAt === undefined) {
    const since = link.connectedSince ?? now;
    const waited = domain.unprovedSince ?? since;
    const base = { ok: false, since: isoTime(waited) };
    return now - waited < ANSWER_WITHIN
      ? { ...base, problem: "The link is up, and the server's first answer is awaited" }
      : {
          ...base,
          problem: `The server takes what ${component} sends and answers nothing. Is ${component} a subdomain of the server's own domain, and is that ${served} (XMPP_COMPONENT_DOMAIN, XMPP_SERVED_DOMAIN)?`,
        };
  }
  if (domain.conflict !== undefined) {
    const who =
      domain.conflict.who === 'proxy'
        ? 'another proxy, with another Redis or REDIS_PREFIX'
        : 'another component, or an older version of this proxy';
    return {
      ok: false,
      since: isoTime(domain.conflict.since),
      problem: `${component} is not ours alone: ${who}, holds it as well, and the server gives it a part of all messages and receipts, which is lost. Stop it, or give it another XMPP_COMPONENT_DOMAIN`,
    };
  }
  return OK;
}

/** How much before the reserve it is said that memory runs short. */
const WARN_BEFORE_RESERVE = 0.1;

function assessRedis({ storage, pipeline, reserve = 0, staleAfter, now, monotonic }: Observations): Part {
  const wallClock = (at: number) => isoTime(now - (monotonic - at));
  const sinceOf = (at: number | undefined) => (at === undefined ? {} : { since: wallClock(at) });
  if (storage.failingSince !== undefined || pipeline.failingSince !== undefined) {
    const sinces = [storage.failingSince, pipeline.failingSince].filter((at) => at !== undefined);
    return {
      ok: false,
      problem: storage.fault?.text ?? pipeline.fault?.text ?? SILENT,
      since: wallClock(Math.min(...sinces)),
    };
  }
  if (storage.lastSuccessAt === undefined) {
    return { ok: false, problem: 'Redis has not been reached yet', ...sinceOf(storage.watchedSince) };
  }
  if (monotonic - storage.lastSuccessAt >= staleAfter) {
    return {
      ok: false,
      problem: SILENT,
      since: wallClock(storage.lastSuccessAt),
    };
  }
  const { refusals, refusedSince, reserveReachedSince, memoryUsed = 0 } = storage;
  const warnings = [...storage.warnings];
  const used = `Redis uses ${Math.floor(memoryUsed * 100)} % of its memory (maxmemory)`;
  const remedy = 'Give it more, or let the command "Heaviest senders" show who takes it';
  if (isReserveReached(memoryUsed, reserve)) {
    return {
      ok: false,
      problem: `${used}: new messages are refused, so that receipts can be taken. ${remedy}`,
      ...sinceOf(reserveReachedSince),
      warnings,
    };
  }
  if (reserve > 0 && memoryUsed >= 1 - reserve - WARN_BEFORE_RESERVE) {
    warnings.push(`${used}; at ${Math.round((1 - reserve) * 100)} % new messages are refused. ${remedy}.`);
  }
  if (refusals.length > 0) {
    return { ok: false, problem: refusals.join(' '), ...sinceOf(refusedSince), warnings };
  }
  return warnings.length > 0 ? { ok: true, warnings } : OK;
}

/** What is lost is lost: to refuse work for it would help nobody. */
function assessLedger({ storage: { loss, heldBack }, now, monotonic }: Observations): Part {
  const held = heldBack === undefined ? [] : [heldBack];
  if (loss === undefined) return held.length === 0 ? OK : { ok: true, warnings: held };
  const since = isoTime(now - (monotonic - loss.at));
  return { ok: true, warnings: [sentence(loss.text, since), ...held], since };
}

/** Without a look for what is overdue, which is there every second, nothing is sent again and nothing ends, ms. */
const SWEEP_WITHIN = 30_000;

function assessQueues(seen: Observations, redis: Part): Part {
  const { sweeps, sweepWithin = SWEEP_WITHIN, now, monotonic } = seen;
  const { pausedQueues } = seen.storage;
  const names = pausedQueues.join(', ');
  const paused = pausedQueues.length > 0 && {
    warnings: [
      `Paused in the queue library: ${names}. What is in there is not sent again until somebody presses Resume on /queues; the command "Pause redelivery" is the way to pause`,
    ],
  };
  // Where Redis fails, that is what is to be said.
  if (sweeps === undefined || !redis.ok || monotonic - sweeps.sweptAt < sweepWithin)
    return paused === false ? OK : { ok: true, ...paused };
  const { sweptAt, fault = 'Redis does not answer' } = sweeps;
  return {
    ok: false,
    problem: `What is overdue is not looked for, so that nothing is sent again and nothing ends: ${fault}`,
    since: isoTime(now - (monotonic - sweptAt)),
    ...paused,
  };
}
