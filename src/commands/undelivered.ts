import { cancel, type Owner, type Retried, retryNow } from '../ledger/interventions.ts';
import { revive } from '../ledger/operations.ts';
import type { StoredRecord } from '../ledger/record.ts';
import type { Form } from '../stanza/form.ts';
import { badPayload, type Command, choice, type Stage, type Step } from './command.ts';
import type { Desk } from './desk.ts';
import { line, many } from './words.ts';

/** Messages that one form lists: what clients show without a scroll bar that nobody finds. */
const SHOWN = 50;

/** For whom it would show whether the recipient is there. */
const ORDINARY = 'noted, and sent again in the usual course';
const TOO_SOON = 'sent again at your wish only a while ago';

const LEFT = 'left to wait (the recipient is away, or his client returns no receipts)';

const OTHERWISE: Partial<Record<Retried, string>> = { waiting: LEFT, ordinary: ORDINARY, 'too soon': TOO_SOON };

/** Those that were picked in a list; at most as many as a list has. */
export function picked({ values }: Step): string[] {
  const keys = [...new Set(values.get('messages') ?? [])].filter((key) => key !== '');
  if (keys.length === 0) throw badPayload('No message is picked');
  if (keys.length > SHOWN) throw badPayload(`At most ${SHOWN} messages at a time`);
  return keys;
}

/** Sends again what may be; gives what became of each, by how it is told. */
export async function retryAll(desk: Desk, keys: readonly string[], owner: Owner): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>();
  for (const key of keys) {
    const retried = await desk.perform(retryNow(key, owner));
    const record = retried === 'undelivered' ? await desk.perform(revive(key)) : undefined;
    if (record !== undefined) {
      desk.ended({ ...record, attempt: record.attempt - 1 });
      desk.sendAfterAll(record);
    }
    const sent = retried === 'due' || retried === 'underway' || record !== undefined;
    const outcome = sent ? 'sent again' : (OTHERWISE[retried] ?? 'not there any more');
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
  const known = new Map((await desk.inquiry.records(keys)).map(({ record }) => [record.key, record]));
  for (const key of keys) {
    const cancelled = await desk.perform(cancel(key, owner, Date.now(), by));
    const record: StoredRecord | undefined =
      cancelled.outcome === 'cancelled'
        ? cancelled.record
        : cancelled.outcome === 'dropped'
          ? known.get(key)
          : undefined;
    if (record !== undefined) desk.ended(record);
    const outcome = cancelled.outcome === 'unknown' ? 'not there any more' : 'cancelled';
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return outcomes;
}

/** `2 messages sent again, 1 message not there any more`. */
export function summary(outcomes: ReadonlyMap<string, number>): string {
  return [...outcomes].map(([outcome, count]) => `${many(count, 'message')} ${outcome}`).join(', ');
}

/** A user's own messages that are in trouble: to cancel them, or to have them sent again now. */
export function undelivered(desk: Desk): Command {
  const list = async (sender: string): Promise<Stage> => {
    const { found, total } = await desk.inquiry.inTrouble(sender, SHOWN);
    if (total === 0) return { note: { type: 'info', text: 'None of your messages is undelivered.' } };
    const form: Form = {
      type: 'form',
      title: 'My undelivered messages',
      instructions:
        'No receipt has come for these messages. Pick some and say what to do with them; the proxy goes on sending the ' +
        'waiting ones by itself.',
      fields: [
        {
          var: 'messages',
          type: 'list-multi',
          label: total > SHOWN ? `The oldest ${SHOWN} of ${total} messages` : many(total, 'message'),
          options: found.map((one) => ({ value: one.record.key, label: line(one) })),
        },
        {
          var: 'action',
          type: 'list-single',
          label: 'What to do',
          required: true,
          value: 'retry',
          options: [
            { value: 'retry', label: 'Send again now' },
            { value: 'cancel', label: 'Cancel: do not send any more' },
          ],
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
      const action = choice(step.values, 'action', ['retry', 'cancel']);
      const keys = picked(step);
      if (action === 'retry' && (await desk.inquiry.paused()) !== undefined) {
        return { note: { type: 'warn', text: 'Nothing was sent: redelivery is paused by an administrator.' } };
      }
      await step.once();
      const outcomes =
        action === 'retry' ? await retryAll(desk, keys, bare) : await cancelAll(desk, keys, bare, 'its sender');
      return { note: { type: 'info', text: `${summary(outcomes)}.` } };
    },
  };
}
