import type { Cluster, Redis } from 'ioredis';
import { presentKey } from '../../xmpp/stanza/message-key.ts';
import {
  type Clock,
  isAskedFor,
  type StepStore,
  type TracedHead,
  type TracedQuery,
  type TracedStep,
} from '../contract.ts';
import type { Keys } from './keys.ts';

/** Streams that the steps are divided among by their message's key, so that one message's are found in a part of them. */
const PARTS = 64;
/** Steps that each keeps, about, and messages that are found: together some 60 MB at the most. */
const STEPS_OF_PART = 4096;
const HEADS = 100_000;
/** Entries that one call gives. */
const PAGE = 500;
/** Characters of one text that is kept. */
const LONGEST = 4000;

export interface RedisStepsOptions {
  readonly keys: Keys;
  /** For how long steps are kept, ms. */
  readonly kept: number;
  readonly clock?: Clock;
}

/** The steps of messages, in streams of Redis. Rejects with errors of ioredis. */
export class RedisSteps implements StepStore {
  readonly #redis: Redis | Cluster;
  readonly #options: RedisStepsOptions;
  readonly #clock: Clock;

  constructor(redis: Redis | Cluster, options: RedisStepsOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#clock = options.clock ?? Date;
  }

  async append(steps: readonly TracedStep[]): Promise<void> {
    const { keys, kept } = this.#options;
    const oldest = Math.max(0, Math.floor(this.#clock.now() - kept));
    const calls = this.#redis.pipeline();
    const touched = new Set<string>();
    const add = (name: string, most: number, text: string) => {
      calls.xadd(name, 'MAXLEN', '~', most, '*', 's', text);
      touched.add(name);
    };
    for (const step of steps) {
      add(keys.steps(partOf(step.key)), STEPS_OF_PART, written(step));
      if (step.isFirst || step.ending !== undefined) add(keys.traced, HEADS, JSON.stringify(headOf(step)));
    }
    for (const name of touched) calls.xtrim(name, 'MINID', '~', oldest).pexpire(name, kept);
    const failed = (await calls.exec())?.find(([error]) => error !== null);
    if (failed?.[0]) throw failed[0];
  }

  async stepsOf(key: string): Promise<TracedStep[]> {
    const steps: TracedStep[] = [];
    for await (const [, text] of this.#entries(this.#options.keys.steps(partOf(key)))) {
      const step = read(text);
      if (step?.key === key && this.#isFresh(step)) steps.push(step);
    }
    return steps.reverse();
  }

  async traced(query: TracedQuery, limit: number): Promise<{ found: TracedHead[]; more: boolean }> {
    const found: TracedHead[] = [];
    const endings = new Map<string, TracedHead['ending']>();
    for await (const [, text] of this.#entries(this.#options.keys.traced)) {
      const head = readHead(text);
      if (head.ending !== undefined) {
        if (!endings.has(head.key)) endings.set(head.key, head.ending);
        continue;
      }
      if (!this.#isFresh(head) || !isAskedFor(head, query)) continue;
      if (found.length === limit) return { found, more: true };
      found.push({ ...head, ending: endings.get(head.key) });
    }
    return { found, more: false };
  }

  async forgetSteps(jid: string): Promise<number> {
    const { keys } = this.#options;
    let erased = 0;
    for (let part = -1; part < PARTS; part += 1) {
      const name = part < 0 ? keys.traced : keys.steps(part);
      for await (const page of this.#pages(name)) {
        const his = page.flatMap(([id, text]) => {
          const { sender, recipient } = JSON.parse(text) as TracedHead;
          return sender === jid || recipient === jid ? [id] : [];
        });
        if (his.length > 0) await this.#redis.xdel(name, ...his);
        if (part >= 0) erased += his.length;
      }
    }
    return erased;
  }

  #isFresh({ at }: { readonly at: number }): boolean {
    return at >= this.#clock.now() - this.#options.kept;
  }

  /** The entries of a stream, the newest first. */
  async *#entries(name: string): AsyncGenerator<[id: string, text: string]> {
    for await (const page of this.#pages(name)) yield* page;
  }

  async *#pages(name: string): AsyncGenerator<[id: string, text: string][]> {
    let end = '+';
    for (;;) {
      const page = await this.#redis.xrevrange(name, end, '-', 'COUNT', PAGE);
      yield page.map(([id, [, text = '']]) => [id, text]);
      const last = page.at(-1)?.[0];
      if (page.length < PAGE || last === undefined) return;
      end = `(${last}`;
    }
  }
}

/** A message's key is a hash already, and its first letters are as good as any. */
function partOf(key: string): number {
  let sum = 0;
  for (let i = 0; i < 8; i += 1) sum = (sum * 31 + (key.charCodeAt(i) || 0)) % PARTS;
  return sum;
}

function headOf({ at, key, sender, recipient, id, ending }: TracedStep): TracedHead {
  return { at, key, sender, recipient, id: shortened(id) as string, ...(ending !== undefined && { ending }) };
}

function written(step: TracedStep): string {
  const { isFirst, ...rest } = step;
  const { why, content, session, rule } = rest;
  return JSON.stringify({
    ...rest,
    ...headOf(step),
    why: shortened(why),
    session: shortened(session),
    rule: shortened(rule),
    content: shortened(content),
    ...(isFirst && { isFirst }),
  });
}

// What was kept before format 6 of the ledger has keys of that time.
function readHead(text: string): TracedHead {
  const head = JSON.parse(text) as TracedHead;
  return { ...head, key: presentKey(head.key) };
}

function read(text: string): TracedStep | undefined {
  const step = JSON.parse(text) as TracedStep;
  return { ...step, key: presentKey(step.key), isFirst: step.isFirst ?? false };
}

function shortened(text: string | undefined): string | undefined {
  return text === undefined || text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
