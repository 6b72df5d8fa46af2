// docs/states.md, from the tables of a message's life. See `npm run docs`.
import {
  type Duties,
  ENDINGS,
  type Ending,
  EVENTS,
  type MessageEvent,
  type MessageState,
  STATES,
  TRANSITIONS,
} from '../src/delivery/message-state.ts';

const STATE_HELP: Readonly<Record<MessageState, string>> = {
  pending: 'It is stored and sent, again when that helps, until one of the events below.',
  delivered: 'Something proved that it arrived. Final.',
  expired: 'Nobody confirmed it in time. It is kept in a dead letter.',
  unconfirmed: 'The same, of a recipient whose missing receipt proves nothing: nobody knows.',
  proved:
    "The recipient's server saw that his client has it, and no receipt came. On the wire this is `pending`, and in Redis `unconfirmed`.",
  rejected: "The recipient's server refused it, or ours ends the stream over it. It is kept in a dead letter.",
  cancelled: 'Its sender or an administrator stopped it. On the wire, and in Redis, this is `rejected`.',
  quarantined: 'Its record was damaged and is put aside. On the wire, and in Redis, this is `rejected`.',
};

const SENDER: Readonly<Record<Duties['sender'], string>> = {
  receipt: 'a receipt, if he asked for one',
  failure: 'an error, always',
  doubt: 'the notice `unconfirmed`, if he asked for a receipt',
  nothing: 'nothing',
};
const DEAD_LETTER: Readonly<Record<Duties['deadLetter'], string>> = { put: 'put down', remove: 'removed', keep: '' };
const COUNTER: Readonly<Record<NonNullable<Duties['counter']>, string>> = {
  delivered: '`delivered_total`',
  lateReceipts: '`late_receipts_total`',
  rejected: '`rejected_total`',
  expired: '`expired_total`',
  unconfirmed: '`unconfirmed_total`',
};

function duties(ending: Ending): string {
  const { to, sender, deadLetter, counter }: Duties = ENDINGS[ending];
  const cells = [ending, to ?? 'the same', SENDER[sender], DEAD_LETTER[deadLetter], counter ? COUNTER[counter] : ''];
  return `| ${cells.join(' | ')} |`;
}

function transitions(event: MessageEvent): string {
  const cells = STATES.map((state) => TRANSITIONS[state][event] ?? '');
  return `| **${event}** | ${cells.join(' | ')} |`;
}

export function states(): string {
  return [
    '# The life of a message',
    '',
    '<!-- Made by "npm run docs" from src/delivery/message-state.ts. -->',
    '',
    'Every message that the component acknowledged is in one of these states until `DEDUP_WINDOW` after its end is over:',
    '',
    ...STATES.map((state) => `- **${state}**: ${STATE_HELP[state]}`),
    '',
    '## What can happen',
    '',
    ...Object.entries(EVENTS).map(([event, help]) => `- **${event}**: ${help}`),
    '',
    'For each event and each state, the ending that it is; where nothing stands the message stays as it is, and nothing is',
    'owed:',
    '',
    `| | ${STATES.join(' | ')} |`,
    `|---|${STATES.map(() => '---').join('|')}|`,
    ...(Object.keys(EVENTS) as MessageEvent[]).map(transitions),
    '',
    'A message is *discarded* or *requeued* only as long as it is kept: it failed, and its dead letter was neither removed nor',
    'is older than `UNDELIVERED_RETENTION`.',
    '',
    '## What each ending owes',
    '',
    'Each ending takes copies that wait in the link off it, and the job of the next attempt out of sight. Beside that:',
    '',
    '| ending | state after it | its sender gets | dead letter | metric |',
    '|---|---|---|---|---|',
    ...(Object.keys(ENDINGS) as Ending[]).map(duties),
    '',
    'What a sender gets is owed until the server has taken it: a sweep finds what is owed, whatever became of the process',
    'that ended the message. An error or a notice for a sender who is away waits for his next login.',
    '',
  ].join('\n');
}
