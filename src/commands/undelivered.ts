import type { AddressPolicy } from '../addressing/address-policy.ts';
import { cancel, type Owner, type Retried, requeue, retryNow, type StoredRecord } from '../store/contract.ts';
import type { Form } from '../xmpp/stanza/data-form.ts';
import { type Command, choice, type Note, optionsOf, type Stage } from './command.ts';
import type { Desk } from './desk.ts';
import { listOf, picked, SHOWN } from './lists.ts';
import { nameOf } from './people.ts';
import { many, stateOf } from './words.ts';

const ACTIONS = { retry: 'Send again now', cancel: 'Cancel: do not send any more' } as const;

const SENT = 'sent again';
const CANCELLED = 'cancelled';
const GONE = 'not there any more';
const LEFT = 'left to wait (the recipient is away, or his client returns no receipts)';
/** For whom it would show whether the recipient is there. */
const ORDINARY = 'noted, and sent again in the usual course';
const TOO_SOON = 'sent again at your wish only a while ago';

const OTHERWISE: Partial<Record<Retried, string>> = { waiting: LEFT, ordinary: ORDINARY, 'too soon': TOO_SOON };

/** Sends again what may be; gives what became of each, by how it is told. */
export async function retryAll(desk: Desk, keys: readonly string[], owner: Owner): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>();
  for (const key of keys) {
    const retried = await desk.perform(retryNow(key, owner));
    const record = retried === 'undelivered' ? await desk.perform(requeue(key)) : undefined;
    if (record !== undefined) desk.requeued(record);
    const sent = retried === 'due' || retried === 'in flight' || record !== undefined;
    const outcome = sent ? SENT : (OTHERWISE[retried] ?? GONE);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return outcomes;
}

/** Cancels what may be; gives what became of each, by how it is told. */
export async function cancelAll(
  desk: Desk,
  keys: readonly string[],
  owner: Owner,
  by: string,
): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>();
  const known = new Map((await desk.queries.records(keys)).map(({ record }) => [record.key, record]));
  for (const key of keys) {
    const cancelled = await desk.perform(cancel(key, owner, Date.now(), by));
    const record: StoredRecord | undefined =
      cancelled.outcome === 'cancelled'
        ? cancelled.record
        : cancelled.outcome === 'dropped'
          ? known.get(key)
          : undefined;
    if (record !== undefined) desk.ended(record, cancelled.outcome === 'cancelled' ? 'cancelled' : 'discarded');
    const outcome = cancelled.outcome === 'unknown' ? GONE : CANCELLED;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return outcomes;
}

/** `2 messages sent again, 1 message not there any more.`; a warning when nothing was done. */
export function summary(outcomes: ReadonlyMap<string, number>): Note {
  const text = [...outcomes].map(([outcome, count]) => `${many(count, 'message')} ${outcome}`).join(', ');
  const isDone = [SENT, CANCELLED, ORDINARY].some((outcome) => outcomes.has(outcome));
  return { type: isDone ? 'info' : 'warn', text: `${text}.` };
}

/** A user's own messages that are in trouble: to cancel them, or to have them sent again now. */
export function undelivered(desk: Desk, addresses: AddressPolicy): Command {
  const list = async (sender: string): Promise<Stage> => {
    const { found, total } = await desk.queries.inTrouble(sender, SHOWN);
    if (total === 0) return { note: { type: 'info', text: 'None of your messages is undelivered.' } };
    const form: Form = {
      type: 'form',
      title: 'My undelivered messages',
      instructions:
        'No receipt has come for these messages. Pick some and say what to do with them; the proxy goes on sending the ' +
        'waiting ones by itself. Times are UTC.',
      fields: [
        ...listOf(
          total > SHOWN ? `The oldest ${SHOWN} of ${total} messages` : many(total, 'message'),
          found.map((one) => ({
            value: one.record.key,
            at: one.record.firstStoredAt,
            who: nameOf(addresses, one.record.recipient),
            what: stateOf(one, true),
          })),
        ),
        {
          var: 'action',
          type: 'list-single',
          label: 'What to do',
          required: true,
          value: 'retry',
          options: optionsOf(ACTIONS),
        },
      ],
    };
    return { ask: form, leadsTo: 'complete' };
  };
  return {
    node: 'undelivered',
    name: 'My undelivered messages',
    forAdmins: false,
    forms: 1,
    begin: ({ bare }) => list(bare),
    async submit(step) {
      const { bare } = step.asker;
      const action = choice(step.values, 'action', ACTIONS);
      const keys = picked(step.values);
      if (action === 'retry' && (await desk.queries.paused()) !== undefined) {
        return { note: { type: 'warn', text: 'Nothing was sent: redelivery is paused by an administrator.' } };
      }
      await step.once();
      const outcomes =
        action === 'retry' ? await retryAll(desk, keys, bare) : await cancelAll(desk, keys, bare, 'its sender');
      return { note: summary(outcomes) };
    },
  };
}
