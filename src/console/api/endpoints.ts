import { z } from 'zod';
import { parseUser } from '../../commands/user-names.ts';
import { giveUp, retry, retryAllTo } from '../model/changes.ts';
import { deadLetters } from '../model/dead-letters.ts';
import { life } from '../model/life.ts';
import { search } from '../model/messages.ts';
import { now } from '../model/now.ts';
import { forget, people, records } from '../model/people.ts';
import { decide, restored } from '../model/restored.ts';
import { waiting } from '../model/waiting.ts';
import type { ConsolePorts } from '../ports.ts';
import * as s from '../schemas.ts';

type Input = z.ZodObject;
const NONE = z.strictObject({});

/** One thing that can be asked or ordered. */
export interface Endpoint {
  readonly method: 'get' | 'post';
  /** Below /api; `{name}` stands for a part. */
  readonly path: string;
  readonly name: string;
  readonly about: string;
  /** The parts of the path and, of a GET, its query; of a POST, its body. */
  readonly input: Input;
  readonly output: z.ZodType;
  /** Undefined where there is no such thing. */
  handle(ports: ConsolePorts, input: never): Promise<unknown>;
}

function endpoint<const I extends Input, const O extends z.ZodType>(
  given: Omit<Endpoint, 'input' | 'output' | 'handle'> & {
    readonly input: I;
    readonly output: O;
    handle(ports: ConsolePorts, input: z.infer<I>): Promise<z.infer<O> | undefined>;
  },
): Endpoint {
  return given as unknown as Endpoint;
}

/** A time as it was asked for, ms since the epoch; UTC unless it says otherwise. */
export function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
}

const userOf = ({ addresses }: ConsolePorts, text: string) => parseUser(addresses, text);
const anyone = (ports: ConsolePorts, text: string | undefined) =>
  text === undefined ? undefined : userOf(ports, text);

/** The whole API. The console's pages are made of the same functions. */
export const ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/now',
    name: 'getNow',
    about: 'How the process is: link, Redis, mode, figures, the last hour, and what is wrong.',
    input: NONE,
    output: s.Now,
    handle: (ports) => now(ports),
  }),
  endpoint({
    method: 'get',
    path: '/messages',
    name: 'findMessages',
    about: 'Finds messages by id, sender, recipient and time.',
    input: s.ASKED.messages,
    output: s.Messages,
    handle: (ports, { since, until, limit, ...asked }) =>
      search(ports, { ...asked, since: timeOf(since), until: timeOf(until) }, limit),
  }),
  endpoint({
    method: 'get',
    path: '/messages/{key}',
    name: 'getMessage',
    about: 'What is known of one message: its state, its life, what happens next and why.',
    input: z.strictObject({ key: z.string().min(1).max(100) }),
    output: s.Life,
    handle: (ports, { key }) => life(ports, key),
  }),
  endpoint({
    method: 'post',
    path: '/messages',
    name: 'changeMessages',
    about:
      'Sends messages again (retry), or gives them up with nobody told (cancel): those that wait, and dead letters.',
    input: s.ASKED.change,
    output: s.Outcomes,
    handle: (ports, { action, keys }) => (action === 'retry' ? retry(ports, keys) : giveUp(ports, keys)),
  }),
  endpoint({
    method: 'get',
    path: '/people',
    name: 'getPeople',
    about: 'For whom messages wait, since when, and who has the most in the store.',
    input: NONE,
    output: s.People,
    handle: (ports) => people(ports),
  }),
  endpoint({
    method: 'get',
    path: '/people/{user}',
    name: 'countRecords',
    about: 'How many messages from or to a user are stored.',
    input: s.ASKED.user,
    output: s.Records,
    handle: (ports, { user }) => records(ports, userOf(ports, user)),
  }),
  endpoint({
    method: 'post',
    path: '/people/forget',
    name: 'forgetUser',
    about: 'Erases all that is stored of a user, with nobody told. Asked again, it says how far it is.',
    input: s.ASKED.forget,
    output: s.Forgotten,
    handle: (ports, { user }) => forget(ports, userOf(ports, user)),
  }),
  endpoint({
    method: 'get',
    path: '/waiting',
    name: 'getWaiting',
    about: 'Which messages wait, for all or one recipient, and what happens next.',
    input: s.ASKED.waiting,
    output: s.Waiting,
    handle: (ports, asked) => waiting(ports, anyone(ports, asked.for), asked.limit),
  }),
  endpoint({
    method: 'get',
    path: '/dead-letters',
    name: 'getDeadLetters',
    about: 'What was not delivered. As JSON lines, without a limit: /api/dead-letters.jsonl.',
    input: s.ASKED.deadLetters,
    output: s.DeadLetters,
    handle: (ports, { of, limit }) => deadLetters(ports, anyone(ports, of), limit),
  }),
  endpoint({
    method: 'post',
    path: '/dead-letters/retry-all',
    name: 'retryAllDeadLetters',
    about: 'Sends all dead letters to a user again, up to 1,000 at a time.',
    input: s.ASKED.retryAll,
    output: s.Outcomes,
    handle: (ports, { to }) => retryAllTo(ports, userOf(ports, to)),
  }),
  endpoint({
    method: 'get',
    path: '/restored',
    name: 'getRestored',
    about: 'What is held back of an older copy of the ledger that was restored. 404 while there is nothing.',
    input: NONE,
    output: s.Restored,
    handle: ({ context }) => restored(context),
  }),
  endpoint({
    method: 'post',
    path: '/restored',
    name: 'decideRestored',
    about: 'What becomes of that: it is sent again, or it ends and its senders are told. 404 while there is nothing.',
    input: s.ASKED.restored,
    output: s.Decided,
    handle: ({ context }, { action }) => decide(context, action),
  }),
];
