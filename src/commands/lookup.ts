import type { AddressPolicy } from '../addressing/address-policy.ts';
import { copiesOf, type Found, type LifeEvent } from '../store/contract.ts';
import type { Field } from '../xmpp/stanza/data-form.ts';
import { recordKey } from '../xmpp/stanza/message-key.ts';
import { type Command, requiredValue } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { countOf, describeEvent, describeState, formatTime, readOnlyField, truncated } from './format.ts';
import { parseUser } from './user-names.ts';

/** The newest messages under one id that are shown: a client may give all of its messages the same id. */
const MAX_ENTRIES = 10;

/** Events that follow from the record itself, in order of time. */
function ownEvents({ record, due }: Found): LifeEvent[] {
  const { firstStoredAt, storedAt, settledAt, state, receiptResource } = record;
  const events = [{ at: firstStoredAt, what: 'accepted and stored' }];
  if (storedAt !== firstStoredAt) events.push({ at: storedAt, what: 'sent after all, with a new life' });
  if (settledAt !== undefined) {
    const receipt = receiptResource === '' ? 'receipt from his bare JID' : `receipt from resource ${receiptResource}`;
    events.push({ at: settledAt, what: state === 'delivered' ? receipt : state });
  }
  if (due !== undefined && state === 'pending') events.push({ at: due, what: 'next step is due' });
  return events;
}

function life(found: Found, noted: readonly LifeEvent[]): string[] {
  const inWords = noted.map(({ at, what }) => ({ at, what: describeEvent(what) }));
  return [...ownEvents(found), ...inWords]
    .sort((a, b) => a.at - b.at)
    .map(({ at, what }) => `${formatTime(at)}: ${what}`);
}

function fieldsOf(found: Found, noted: readonly LifeEvent[], place: number): Field[] {
  const { record, kept } = found;
  const name = (field: string) => `${field}-${place}`;
  return [
    readOnlyField(
      name('from'),
      'From',
      record.senderResource === '' ? record.sender : `${record.sender}/${record.senderResource}`,
    ),
    readOnlyField(name('to'), 'To', record.recipient),
    readOnlyField(name('id'), 'Id', truncated(record.senderId ?? record.wireId)),
    readOnlyField(
      name('state'),
      'State',
      kept ? `${describeState(found)}; kept, to be sent after all` : describeState(found),
    ),
    readOnlyField(
      name('attempts'),
      'Attempts',
      `${countOf(record.attempt, 'attempt')}, ${copiesOf(record)} handed over to the server`,
    ),
    readOnlyField(name('life'), 'Its life', life(found, noted)),
  ];
}

/** Shows the history of a message to an administrator; never its text. */
export function lookup(context: CommandContext, addresses: AddressPolicy): Command {
  return {
    node: 'lookup',
    name: 'Look up a message',
    forAdmins: true,
    forms: 1,
    async begin() {
      const field = (name: string, label: string): Field => ({ var: name, type: 'text-single', label, required: true });
      return {
        form: {
          type: 'form',
          title: 'Look up a message',
          instructions: 'Addresses may be given as they are or as the proxy shows them.',
          fields: [field('sender', 'Sender'), field('recipient', 'Recipient'), field('id', 'Id of the message')],
        },
        leadsTo: 'complete',
      };
    },
    async submit({ values }) {
      const sender = parseUser(addresses, requiredValue(values, 'sender'));
      const recipient = parseUser(addresses, requiredValue(values, 'recipient'));
      // Not trimmed: white space may be part of an id.
      requiredValue(values, 'id');
      const all = await context.queries.byKey(recordKey(sender, recipient, values.get('id')?.[0] ?? ''));
      if (all.length === 0) {
        return {
          note: {
            type: 'info',
            text: 'Nothing is kept of such a message: there was none, or it was delivered more than half an hour ago, or it has been forgotten.',
          },
        };
      }
      const shown = all.sort((a, b) => a.record.firstStoredAt - b.record.firstStoredAt).slice(-MAX_ENTRIES);
      const fields = await Promise.all(
        shown.map(async (found, i) => fieldsOf(found, await context.queries.life(found.record.key), i + 1)),
      );
      return { result: { type: 'result', title: countOf(all.length, 'message'), fields: fields.flat() } };
    },
  };
}
