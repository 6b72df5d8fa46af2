import { loadConfig } from '../src/config/config.ts';
import { JOB_LEASE, LEASE } from '../src/store/retry-policy.ts';
import { check } from './checker.ts';
import { type History, Recorder, type Terms } from './history.ts';
import type { Mode } from './mode.ts';
import { Participants } from './participants.ts';
import { Random } from './random.ts';
import { REPLICAS, type RedisKind } from './redis-kind.ts';
import type { Scenario } from './scenario.ts';
import type { Violation } from './violation.ts';

/** Of every scenario, unless it has its own: times that end a message within half a minute. */
const SETTINGS = {
  RETRY_SCHEDULE: '2s,4s',
  UNCONFIRMED_RETRY_AFTER: '2s',
  MESSAGE_TTL: '25s',
  DEDUP_WINDOW: '120s',
};

// What else a message may wait for that no operator sets, ms: see src/jobs.
const STALLED_JOB = 7500;
const SWEEPS = 3000;
/** What a busy machine may add. */
const MARGIN = 10_000;
const SAYS_WITHIN = 5000;
/**
 * At a rate that is asked for: no quota refuses it. What has piled up takes time, in which a message must neither end nor be sent again
 * because its receipt waits to be read.
 */
const AT_A_RATE = {
  settings: {
    SENDER_RATE: '0',
    SENDER_PENDING: '0',
    CONVERSATION_PENDING: '0',
    RETRY_SCHEDULE: '10s,20s',
    UNCONFIRMED_RETRY_AFTER: '10s',
    MESSAGE_TTL: '60s',
    DEDUP_WINDOW: '240s',
  },
  extra: 30_000,
} as const;

/** ms: jobs of the queue library wait for a server that is gone. */
const REPLACED_WITHIN = 20_000;

/** What is to be run. */
export interface Run {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly mode: Mode;
  readonly redis: RedisKind;
  /** Messages a second of all senders together; without it each has the pace of somebody who types. */
  readonly rate?: number | undefined;
}

/** One run of a scenario, and the verdict. */
export interface Outcome extends Omit<Run, 'mode'> {
  readonly history: History;
  readonly violations: readonly Violation[];
  /** ms */
  readonly took: number;
  /** What the processes of the proxy printed. */
  readonly output: string;
}

function termsOf({ settings, losesJobs = true, extra = 0, processes = 1 }: Scenario, mode: Mode): Terms {
  const required = { XMPP_COMPONENT_DOMAIN: 'receipts.localhost', XMPP_COMPONENT_SECRET: 'secret' };
  const { retry } = loadConfig({ ...required, ...SETTINGS, ...settings });
  const leases = LEASE + STALLED_JOB + SWEEPS + (losesJobs ? JOB_LEASE : 0);
  return {
    schedule: retry.schedule,
    unconfirmedRetries: retry.unconfirmedRetries,
    endsWithin: retry.messageTtl + leases + MARGIN + extra,
    saysWithin: SAYS_WITHIN,
    processes,
    mode,
  };
}

const hastened = (scenario: Scenario): Scenario => ({
  ...scenario,
  settings: { ...scenario.settings, ...AT_A_RATE.settings },
  extra: (scenario.extra ?? 0) + AT_A_RATE.extra,
});

/** Whichever Redis takes another's place, what was acknowledged must be there. */
const kept = (scenario: Scenario, redis: RedisKind): Scenario =>
  redis === 'one' || !scenario.replaces
    ? scenario
    : {
        ...scenario,
        settings: { ...scenario.settings, DURABILITY: `replicas:${REPLICAS[redis]}` },
        extra: (scenario.extra ?? 0) + REPLACED_WITHIN,
      };

/**
 * Runs a scenario once, from an empty Redis to the verdict. All that it starts has ended when it settles.
 *
 * @throws when it was aborted, or could not be carried out
 */
export async function run(which: Run, signal?: AbortSignal): Promise<Outcome> {
  const { seed, mode, redis, rate } = which;
  const here = kept(which.scenario, redis);
  const scenario = rate === undefined ? here : hastened(here);
  const began = performance.now();
  const terms = termsOf(scenario, mode);
  const recorder = new Recorder();
  const participants = new Participants({
    scenario,
    mode,
    redis,
    rate,
    settings: { ...SETTINGS, ...scenario.settings },
    endsWithin: terms.endsWithin,
    recorder,
    random: new Random(seed).fork(scenario.name),
  });
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new Error('Stopped'));
    signal?.addEventListener('abort', stop);
  });
  try {
    signal?.throwIfAborted();
    await Promise.race([participants.play(), aborted]);
  } finally {
    signal?.removeEventListener('abort', stop);
    await participants.close();
  }
  const history = recorder.history(terms);
  const { output } = participants;
  return { scenario, seed, redis, rate, history, violations: check(history), took: performance.now() - began, output };
}
