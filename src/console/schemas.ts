import { z } from 'zod';

/** What the API takes and gives. The OpenAPI description is made from these (api/openapi.ts), and the pages show the same. */

const time = z.iso.datetime().describe('ISO 8601, UTC');
const count = z.int().min(0);

const Part = z.strictObject({
  ok: z.boolean(),
  problem: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  since: time.optional(),
});

const Sample = z.strictObject({
  at: time.describe('The end of the ten seconds that it is about'),
  accepted: count,
  delivered: count,
  redelivered: count,
  failed: count,
  waiting: count.optional().describe('Missing while Redis did not answer'),
});

export const Now = z
  .strictObject({
    version: z.string(),
    mode: z.enum(['subdomain', 'transparent', 'both']),
    component: z.string(),
    startedAt: time,
    ready: z.boolean(),
    problems: z.array(z.string()).describe('As of /readyz: what keeps it from its work, and what to do'),
    warnings: z.array(z.string()),
    parts: z.record(z.string(), Part),
    linkedSince: time.optional().describe('Missing while there is no link to the XMPP server'),
    memoryUsed: z.number().min(0).optional().describe("Of Redis' maxmemory, 0 to 1; missing where there is none"),
    paused: z.strictObject({ since: time, by: z.string() }).optional(),
    store: z
      .strictObject({
        waiting: count.describe('Messages that wait for a receipt'),
        oldestSeconds: z.number().min(0),
        sendersToTell: count,
        deadLetters: count,
      })
      .optional()
      .describe('Missing while Redis does not answer'),
    process: z
      .strictObject({ accepted: count, delivered: count, redelivered: count, failed: count, unconfirmed: count })
      .describe('Of this process alone, since it was started'),
    lastHour: z.array(Sample).describe('Of this process alone, but for what waits; a sample every ten seconds'),
  })
  .meta({ id: 'Now' });
export type Now = z.infer<typeof Now>;

const Situation = z.strictObject({
  presence: z.enum(['unknown', 'online', 'offline']),
  acknowledges: z.enum(['yes', 'no', 'unknown']),
  copy: z.enum(['handed over', 'bounced', 'none']),
});

const NextStep = z
  .strictObject({
    what: z
      .enum(['send', 'ask', 'login', 'end'])
      .describe(
        'send: another copy; ask: his sessions are asked whether they are there; login: another copy when he logs in; end: nothing more',
      ),
    at: time.describe('Of login and end, when its time runs out'),
    ends: z.enum(['expired', 'unconfirmed']),
    situation: Situation.describe('What is known, by which this is decided (docs/redelivery.md)'),
  })
  .meta({ id: 'NextStep' });

const message = {
  key: z.string().describe('Names it in this API'),
  from: z.string(),
  to: z.string(),
  id: z.string().describe('That its sender gave it'),
  stored: time,
  state: z
    .enum(['pending', 'delivered', 'expired', 'unconfirmed', 'rejected', 'unknown'])
    .describe('unknown: it was not stored, or no more is known of it'),
  kept: z.boolean().describe('Whether it was not delivered and can be sent after all'),
  copies: count.describe('Handed over to the server'),
  ended: time.optional(),
};

export const Message = z.strictObject(message).meta({ id: 'Message' });
export type Message = z.infer<typeof Message>;

const WaitingMessage = z.strictObject({ ...message, next: NextStep.optional() }).meta({ id: 'WaitingMessage' });
export type WaitingMessage = z.infer<typeof WaitingMessage>;

export const Waiting = z
  .strictObject({
    messages: z.array(WaitingMessage).describe('The oldest first'),
    total: count,
    all: z.boolean().describe('Whether total is all, and not only what could be looked at'),
  })
  .meta({ id: 'Waiting' });
export type Waiting = z.infer<typeof Waiting>;

export const Messages = z
  .strictObject({
    messages: z.array(Message).describe('The newest first'),
    more: z.boolean().describe('Whether there are, or may be, more than these'),
  })
  .meta({ id: 'Messages' });
export type Messages = z.infer<typeof Messages>;

export const Step = z
  .strictObject({
    at: time,
    what: z.string().describe('What happened; a fixed word'),
    why: z.string().optional(),
    session: z.string().optional().describe('Where it went, or who confirmed it'),
    rule: z.string().optional().describe('The cell of the redelivery rules that decided'),
    attempt: count.optional(),
    due: time.optional(),
    content: z.string().optional().describe('Its children as XML; only with LOG_BODIES'),
  })
  .meta({ id: 'Step' });
export type Step = z.infer<typeof Step>;

export const Life = z
  .strictObject({
    message: Message.extend({
      fromResource: z.string(),
      attempts: count,
      receiptFrom: z.string().optional().describe('The resource that confirmed it'),
      reason: z.string().optional().describe('Why it was rejected'),
    }).meta({ id: 'MessageDetails' }),
    next: NextStep.optional(),
    traced: z.boolean().describe('Whether each step was kept (TRACE_MESSAGES), and not only what the record shows'),
    steps: z.array(Step),
  })
  .meta({ id: 'Life' });
export type Life = z.infer<typeof Life>;

const Person = z.strictObject({ user: z.string(), messages: count, oldest: time }).meta({ id: 'Person' });

export const People = z
  .strictObject({
    waiting: z.array(Person).describe('For whom messages wait, the longest first'),
    total: count.describe('How many people that are'),
    all: z.boolean().describe('Whether all messages could be looked at'),
    heaviest: z.array(
      z
        .strictObject({
          of: z.string().describe('A sender; with @ before it, a whole domain'),
          messages: count,
          bytes: count,
        })
        .meta({ id: 'Load' }),
    ),
  })
  .meta({ id: 'People' });
export type People = z.infer<typeof People>;

export const Records = z
  .strictObject({ user: z.string(), records: count, all: z.boolean().describe('Whether all could be counted') })
  .meta({ id: 'Records' });
export type Records = z.infer<typeof Records>;

export const Forgotten = z
  .strictObject({
    user: z.string(),
    done: z.boolean().describe('Whether it is over; else it goes on by itself'),
    erased: count.describe('Messages erased so far'),
  })
  .meta({ id: 'Forgotten' });
export type Forgotten = z.infer<typeof Forgotten>;

export const DeadLetter = z
  .strictObject({
    id: z.string().describe('Names it in this API'),
    from: z.string(),
    to: z.string(),
    messageId: z.string(),
    stored: z.string().describe('ISO 8601, UTC; empty of what was no message'),
    ended: z.string().describe('ISO 8601, UTC'),
    why: z.string(),
    message: z.boolean().describe('Whether it is a message that can be sent; else a stanza that was put aside'),
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetter = z.infer<typeof DeadLetter>;

export const DeadLetters = z
  .strictObject({
    letters: z.array(DeadLetter).describe('The newest first'),
    total: count,
    all: z.boolean().describe('Whether total is all, and not only of the newest 10,000'),
  })
  .meta({ id: 'DeadLetters' });
export type DeadLetters = z.infer<typeof DeadLetters>;

export const Outcomes = z
  .strictObject({
    sent: count,
    left: count.describe('Left to wait: the recipient is away, or his client returns no receipts'),
    ended: count,
    gone: count.describe('Not there any more'),
    more: z.boolean().describe('Whether there are more, for another request'),
    paused: z.boolean().describe('Nothing was sent, since redelivery is paused'),
  })
  .meta({ id: 'Outcomes' });
export type Outcomes = z.infer<typeof Outcomes>;

export const Restored = z
  .strictObject({
    found: time,
    pending: count.describe('Messages that were pending in the copy'),
    ending: z.boolean().describe('Whether they are being ended'),
  })
  .meta({ id: 'Restored' });
export type Restored = z.infer<typeof Restored>;

export const Decided = z
  .strictObject({
    pending: count.describe('Messages that were pending in the copy'),
    ended: count,
    done: z.boolean().describe('Whether that is all; else it goes on'),
  })
  .meta({ id: 'Decided' });
export type Decided = z.infer<typeof Decided>;

export const Failure = z.strictObject({ error: z.string() }).meta({ id: 'Failure' });

const address = z.string().min(1).max(3071);
const limit = z.coerce.number().int().min(1).max(200).default(50);
const keys = z.array(z.string().min(1).max(100)).min(1).max(200);

export const ASKED = {
  messages: z.strictObject({
    id: z.string().min(1).max(2000).optional().describe('Of the message, as its sender gave it, or its key'),
    from: address.optional(),
    to: address.optional(),
    since: z.iso.datetime({ offset: true, local: true }).optional().describe('Stored not before; UTC unless it says'),
    until: z.iso.datetime({ offset: true, local: true }).optional().describe('Stored not after; UTC unless it says'),
    limit,
  }),
  waiting: z.strictObject({ for: address.optional(), limit }),
  deadLetters: z.strictObject({ of: address.optional().describe('From or to'), limit }),
  user: z.strictObject({ user: address }),
  change: z.strictObject({ action: z.enum(['retry', 'cancel']), keys }),
  forget: z.strictObject({ user: address }),
  retryAll: z.strictObject({ to: address }),
  restored: z.strictObject({ action: z.enum(['send', 'end']) }),
};
