import type { Element } from '@xmpp/xml';
import type { Route } from '../addressing/address-policy.ts';
import { bounce, bringForward, type Clock, reject, type StoredRecord, type StoreQueue } from '../store/contract.ts';
import type { RetryPolicy } from '../store/retry-policy.ts';
import type { MessageTrace } from '../util/message-trace.ts';
import { isPermanent } from '../xmpp/stanza/error-conditions.ts';
import { isOwnId } from '../xmpp/stanza/ids.ts';
import type { Message } from '../xmpp/stanza/message.ts';
import { keyOfWireId } from '../xmpp/stanza/message-key.ts';
import { readError } from '../xmpp/stanza/stanza-error.ts';
import type { Endings } from './endings.ts';
import type { Passthrough } from './passthrough.ts';
import type { Refusals } from './refusals.ts';
import { openRuleTrace, type RuleTrace } from './rule-trace.ts';

export interface BouncesOptions {
  readonly pipeline: Pick<StoreQueue, 'push'>;
  readonly endings: Pick<Endings, 'conclude'>;
  readonly passthrough: Pick<Passthrough, 'pass' | 'drop'>;
  readonly refusals: Pick<Refusals, 'isPermanent'>;
  readonly clock: Clock;
  readonly retry: RetryPolicy;
  readonly counts: { bouncesTemporary: number; bouncesPermanent: number };
  readonly trace?: MessageTrace;
}

/** Said of whatever a server refuses in the words that it has for somebody who does not exist, or is away. */
const NOT_TAKEN = 'The server of this address does not take it';

/** Copies that come back as errors. In a route here, the recipient is `from`. */
export class Bounces {
  readonly #options: BouncesOptions;
  readonly #ruleTrace: RuleTrace;

  constructor(options: BouncesOptions) {
    this.#options = options;
    this.#ruleTrace = openRuleTrace(options.pipeline, options.trace);
  }

  /** A message of type `error`: a copy that came back, or somebody else's error on its way. */
  take(route: Route, message: Message, element: Element): void {
    const { pipeline, passthrough, endings, counts, clock, trace } = this.#options;
    const { id } = message;
    // Without an id it is about no message that anybody could name (RFC 6120 section 8.3.1 has it copied).
    if (id === undefined) {
      passthrough.drop();
      return;
    }
    const { condition, errorType, text } = readError(element);
    const permanent = isPermanent(condition);
    const key = keyOfWireId(route.to.inner, route.from.inner, id);
    const request = permanent ? reject(key, clock.now(), condition, errorType, text) : bounce(key);
    pipeline.push({
      request,
      owner: route.from.returnsKey,
      done: (bounced) => {
        if (bounced.outcome === 'unknown') {
          // About a receipt or an acknowledgement of ours, whose id nobody else knows; or not our business.
          if (isOwnId(id)) passthrough.drop();
          else passthrough.pass(route, message);
        } else if (bounced.outcome === 'done' && permanent) {
          counts.bouncesPermanent += 1;
          void endings.conclude(bounced.record, 'rejected');
        } else if (bounced.outcome === 'done') {
          counts.bouncesTemporary += 1;
          trace?.('came back', bounced.record, { why: condition, session: route.from.full });
          this.#bringForward(bounced.record);
          this.#ruleTrace?.(bounced.record.key, 'timer', { why: 'the last copy came back' });
          if (condition === 'service-unavailable') void this.#rejectIfPermanent(bounced.record);
        }
      },
    });
  }

  /** It waits to be sent again; should that be in vain, it ends. */
  async #rejectIfPermanent(record: StoredRecord): Promise<void> {
    const { refusals, pipeline, endings, clock } = this.#options;
    if (!(await refusals.isPermanent(record))) return;
    const condition = 'service-unavailable';
    pipeline.push({
      request: reject(record.key, clock.now(), condition, 'cancel', NOT_TAKEN),
      done: (rejected) => {
        if (rejected.outcome === 'done') void endings.conclude(rejected.record, 'rejected');
      },
    });
  }

  /** It certainly did not arrive, so the ordinary timetable holds, also for a recipient who never confirmed anything. */
  #bringForward(record: StoredRecord): void {
    const { retry, clock } = this.#options;
    const due = retry.bySchedule(record.storedAt, record.copies, clock.now(), Math.random());
    this.#options.pipeline.push({ request: bringForward(record.key, due, record.recipient), done: () => {} });
  }
}
