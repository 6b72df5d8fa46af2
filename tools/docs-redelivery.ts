// docs/redelivery.md, from the function that decides. See `npm run docs`.
import { type Rule, ruleFor, SITUATIONS, type Situation } from '../src/store/redelivery-rules.ts';

/** What the proxy does next, in a cell of a table. */
function does({ presence }: Situation, rule: Rule): string {
  const parts: string[] = [];
  if (rule.timer === 'lease') parts.push('sends it, at once');
  if (rule.timer === 'timetable') parts.push('sends it again by `RETRY_SCHEDULE`');
  if (rule.timer === 'unconfirmed')
    parts.push('sends it again `UNCONFIRMED_RETRIES` times, `UNCONFIRMED_RETRY_AFTER` apart');
  if (rule.timer === 'ask') parts.push('asks his sessions after a step of `RETRY_SCHEDULE` whether they are there');
  if (rule.presence) parts.push('sends it again at his next available presence');
  if (rule.sessionEnded !== 'never') {
    const times = rule.sessionEnded === 'limited' ? ', `UNCONFIRMED_RETRIES` times in all' : '';
    parts.push(`sends it again when every session that it may have gone to has ended and he has another${times}`);
  }
  if (rule.stored && presence === 'offline') {
    parts.push('or, if it lay in offline storage, one step of `RETRY_SCHEDULE` after his next login');
  }
  if (rule.silent !== 'never') {
    const times = rule.silent === 'limited' ? ', as often' : '';
    parts.push(`sends it to another session when one that it may have gone to does not answer${times}`);
  }
  if (rule.gap) parts.push('sends it again when its session has confirmed a later one, after `RECEIPT_GAP`, once');
  if (parts.length === 0) parts.push('waits');
  return parts.join('; ');
}

/** How many copies he sees, if the server keeps what it is given for him. */
function sees({ copy }: Situation, rule: Rule): string {
  if (copy !== 'handed over') return 'one';
  if (rule.timer === 'timetable') return 'one, if he confirms it; else one for each step while he is there';
  if (rule.timer === 'unconfirmed') return 'one, and `UNCONFIRMED_RETRIES` more without a receipt';
  if (rule.sessionEnded === 'always') return 'one; a second only where his receipt was lost, or with his session';
  if (rule.sessionEnded === 'limited')
    return 'one, and `UNCONFIRMED_RETRIES` more without a receipt when his session has ended';
  return 'one';
}

function row(situation: Situation): string {
  const rule = ruleFor(situation);
  const { presence, acknowledges, copy } = situation;
  const cells = [presence, acknowledges, copy, does(situation, rule), sees(situation, rule), `\`${rule.ends}\``];
  return `| ${cells.join(' | ')} |`;
}

export function redelivery(): string {
  return [
    '# When a message is sent again',
    '',
    '<!-- Made by "npm run docs" from src/store/redelivery-rules.ts. -->',
    '',
    'A missing receipt proves nothing: some clients return none, some only to contacts, some not for what they have seen',
    'before; and some show every copy as another message. So the proxy sends again on evidence wherever it knows the',
    "recipient's presence, and by the clock only where it does not. It knows the presence of whoever is a contact of a",
    'proxied address, or of the component domain itself.',
    '',
    '## The table',
    '',
    "*Presence* is the recipient's, as far as the proxy knows it; who has only sessions of negative priority counts as",
    '**offline** ([presence.md](presence.md#who-is-here)). *Confirms*: whether a missing receipt would mean anything:',
    '**yes** if he was seen to return receipts (in the last 90 days), or his client says that it does (XEP-0115) and the two',
    'are contacts; **no** if all his sessions say that they do not, or he gave receipts to contacts only and the two are',
    'none; else **unknown**. *Last copy*: the server has it, it came back with a temporary error, or neither. The table holds',
    'until a receipt comes, or `MESSAGE_TTL` is over, which is the last column.',
    '',
    '| presence | confirms | last copy | what the proxy does | copies that he sees | ends |',
    '|---|---|---|---|---|---|',
    ...SITUATIONS.map(row),
    '',
    '## What counts as evidence',
    '',
    '- **The session ended.** Every session of his that was there when the copy was handed over has become unavailable, or',
    '  was replaced by another of the same resource, and no receipt had come. While one of them lives the copy may have gone to',
    '  that one: it is asked first, as below, and gets another when it has answered and not confirmed it. Else it is sent at his',
    '  next login, or at once where he has logged in again before the last of them ended;',
    '  but first the server may do what it does by itself: what a session had not acknowledged (XEP-0198) goes to his next one,',
    '  or to offline storage and comes from there. So his session is pinged (XEP-0199), and what he has confirmed by the time',
    '  of its answer, and half a second, is not sent.',
    '- **The session is silent.** A phone that has lost its network counts as there until its server gives it up, which takes',
    '  16 minutes on Openfire as it is. A step of `RETRY_SCHEDULE` after the copy, and then each time as much time has passed',
    '  again, the component pings the sessions that it may have gone to, each at most once a step. Any answer shows that a',
    '  session is there, an error too; and as a server hands a session its stanzas in order, that it has had the copy: it is not',
    '  asked again. One that has not answered within 15 s, and was heard of by nothing since, is silent. When another session',
    '  has answered, or came since, the copy goes to that one’s full address, once; when there is none, to the next that comes.',
    '  That another session confirmed a later message brings the question forward.',
    '- **Nobody could hear.** After the link was down, a session that is still there may be another of the same resource: what',
    '  a recipient who confirms has not confirmed is due one step of the timetable after he is heard of again, once.',
    '- **A gap.** The session that the copy went to confirmed a message that was stored later, of this or another',
    '  conversation. Where another session may have had it, both are asked first. Once: some clients drop a copy that they know',
    '  and do not confirm it. When a session goes on that has had a second copy, by an answer or by confirming what was written',
    '  after it, no third is sent to anybody.',
    '- **A bounce** with a temporary error.',
    '- **Not stored.** He was away, and the copy bore `<no-store/>`; or it was no chat and for one resource alone, which was',
    '  gone; or it was never handed over at all. This is as good as a bounce.',
    '- **Stored for him.** A copy that was handed over while he was away lies in the server’s offline storage and comes at his',
    '  next login by itself; its receipts have one step of the timetable to come. So it is with a copy that was handed over',
    '  while nothing was known of him, if he is away when it is due.',
    '',
    'What he has missed is sent oldest first, each with the time of its first sending (XEP-0203); at most `REDELIVERY_WINDOW`',
    'are on their way unconfirmed, and the next goes when a receipt comes, or was not to be had for one step of the timetable.',
    'Only copies that are sent by the clock to somebody of whom nothing is known bear `<no-store/>`.',
    '',
    'When a recipient’s last contact is gone, and nobody will hear of him any more, what waits for him is due by the clock.',
    '',
    'A message that a session passed over, by confirming a later one of the same conversation, ends as `unconfirmed` at the',
    'worst: most likely its client knows it. Of somebody whose presence is not known, the timetable ends when two copies have',
    'gone out with a receipt of his for that conversation before each and after.',
    '',
    'Beside a receipt, a marker (XEP-0333) counts as delivery of its message and of what its sender had sent before, but for',
    'what by this evidence did not arrive, or went to sessions older than the one that it came from; a reply (XEP-0461) and a',
    'reaction (XEP-0444) of the one that they name.',
    '',
    'Each kind of evidence has its own counter in [metrics.md](metrics.md).',
    '',
  ].join('\n');
}
