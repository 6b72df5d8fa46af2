// docs/redelivery.md, from the function that decides. See `npm run docs`.
import { type Rule, ruleFor, SITUATIONS, type Situation } from '../src/store/redelivery-rules.ts';

/** What the proxy does next, in a cell of a table. */
function does({ presence }: Situation, rule: Rule): string {
  const parts: string[] = [];
  if (rule.timer === 'lease') parts.push('sends it at once');
  if (rule.timer === 'timetable') parts.push('sends it again by `RETRY_SCHEDULE`');
  if (rule.timer === 'unconfirmed')
    parts.push('sends it again `UNCONFIRMED_RETRIES` times, `UNCONFIRMED_RETRY_AFTER` apart');
  if (rule.timer === 'ask') parts.push('pings the sessions after a step of `RETRY_SCHEDULE`');
  if (rule.presence) parts.push('sends it again at the next available presence');
  if (rule.sessionEnded !== 'never') {
    const times = rule.sessionEnded === 'limited' ? ', `UNCONFIRMED_RETRIES` times in all' : '';
    parts.push(`sends it again when every session that may have got it has ended and there is another${times}`);
  }
  if (rule.stored && presence === 'offline') {
    parts.push('or, if it was in offline storage, one step of `RETRY_SCHEDULE` after the next login');
  }
  if (rule.silent !== 'never') {
    const times = rule.silent === 'limited' ? ', as often' : '';
    parts.push(`sends it to another session when one that may have got it does not answer${times}`);
  }
  if (rule.gap) parts.push('sends it again when its session has confirmed a later one, after `RECEIPT_GAP`, once');
  if (parts.length === 0) parts.push('waits');
  return parts.join('; ');
}

/** How many copies the recipient sees, if the server loses none. */
function sees({ copy }: Situation, rule: Rule): string {
  if (copy !== 'handed over') return 'one';
  if (rule.timer === 'timetable') return 'one, if it is confirmed; else one for each step while online';
  if (rule.timer === 'unconfirmed') return 'one, and `UNCONFIRMED_RETRIES` more without a receipt';
  if (rule.sessionEnded === 'always') return 'one; a second only if the receipt was lost, or with the session';
  if (rule.sessionEnded === 'limited')
    return 'one, and `UNCONFIRMED_RETRIES` more without a receipt when the session has ended';
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
    'A missing receipt proves nothing: some clients return none, some return them only to contacts, some not for a message that',
    "they have seen before. And some show every copy as another message. So where the proxy knows the recipient's presence it sends",
    'again on evidence, and elsewhere by the clock. It knows the presence of everybody who is a contact of a proxied address, or of',
    "the component's domain.",
    '',
    '## The table',
    '',
    "*Presence* is the recipient's, as far as the proxy knows it. A user who has only sessions of negative priority counts as",
    '**offline** ([presence.md](presence.md#who-is-here)).',
    '',
    '*Confirms*: whether a missing receipt would mean anything. **yes**: the recipient was seen to return receipts in the last 90',
    'days, or the client says that it does (XEP-0115) and the two are contacts. **no**: the clients of all sessions say that they do',
    'not, or receipts were only ever returned to contacts and the two are none. Else **unknown**.',
    '',
    '*Last copy*: the server has it (**handed over**), it came back with a temporary error (**bounced**), or neither (**none**).',
    '',
    'A row holds until a receipt comes, or until `MESSAGE_TTL` is over; the last column says how the message ends then.',
    '',
    '| presence | confirms | last copy | what the proxy does | copies that the recipient sees | ends |',
    '|---|---|---|---|---|---|',
    ...SITUATIONS.map(row),
    '',
    '## What counts as evidence',
    '',
    '- **The session ended.** Every session that may have got the copy has become unavailable, or was replaced by another of the',
    '  same resource, and no receipt had come. The message is sent again at the next login, or at once if another session has',
    '  begun before the last of them ended. While one of them is still online the copy may have gone to that one: it is pinged',
    '  first, as below, and gets another copy when it has answered and not confirmed.',
    '  Before that, the server may redeliver by itself: what a session had not acknowledged (XEP-0198) goes to the next session, or',
    '  to offline storage and comes from there. So the new session is pinged (XEP-0199). What is confirmed half a second after its',
    '  answer is not sent.',
    '  Which sessions may have got a copy: those that were there when the server proved to have it. If a session of his has ended',
    '  between the writing and that proof (some ms; more while the server is slow), those that were there when it was written: the',
    '  copy may have gone to the one that ended, and one that has come since does not count as having it. If no other event follows,',
    '  the copy is sent again one step of `RETRY_SCHEDULE` later.',
    '- **The session is silent.** A phone that has lost its network counts as online until its server closes the session, which',
    "  takes 16 minutes with Openfire's defaults. So the component pings the sessions that may have got the copy: one step of",
    '  `RETRY_SCHEDULE` after the copy, and again each time as much time has passed, each session at most once a step. Any answer,',
    '  also an error, shows that the session is online. As a server sends to a session in order, it also shows that the session has',
    '  got the copy: it is not pinged again. A session that has not answered within 15 s, and sent nothing else since, is silent.',
    '  If another session has answered or begun since, the copy goes to its full address, once; if there is none, to the next that',
    '  begins. A receipt by another session for a later message brings the ping forward.',
    '- **The link was down.** A session that is online afterwards may be another one of the same resource. What a recipient who',
    '  confirms has not confirmed is due one step of `RETRY_SCHEDULE` after the next presence, once.',
    '- **A gap.** The session that got the copy confirmed a message that was stored later, of this or another conversation. If',
    '  another session may have got the copy, both are pinged first. A gap brings one further copy: some clients drop a copy that they',
    '  know and do not confirm it. If a session that has got a second copy answers a ping, or confirms what was written after it,',
    '  no third copy is sent to anybody.',
    '- **A bounce** with a temporary error.',
    '- **Not stored.** The recipient was away, and the copy had `<no-store/>`; or the message was no chat and addressed to one',
    '  resource, which was gone; or it was never handed over. This counts like a bounce.',
    "- **Stored by the server.** A copy that was handed over while the recipient was away is in the server's offline storage and",
    '  comes with the next login; its receipt has one step of `RETRY_SCHEDULE` to arrive. The same holds for a copy that was handed',
    '  over while the presence was unknown, if the recipient is away when it is due.',
    '',
    'Missed messages are sent oldest first, each with the time of its first copy (XEP-0203). At most `REDELIVERY_WINDOW` are',
    'unconfirmed at a time; the next one goes when a receipt has come, or has not come within one step of `RETRY_SCHEDULE`.',
    'Only copies that are sent by the clock to a recipient of unknown presence have `<no-store/>`.',
    '',
    "When a recipient's last subscription ends, the presence becomes unknown, and pending messages are due by the clock.",
    '',
    'A message that a session passed over, by confirming a later one of the same conversation, ends as `unconfirmed` at the',
    'worst: most likely its client knows it. For a recipient of unknown presence, the schedule ends when two copies have gone out',
    'and each had a receipt for the same conversation before and after it.',
    '',
    'A marker (XEP-0333) counts as a receipt for its message and for all earlier ones of the same sender, except those that by the',
    "evidence above did not arrive, and those that went to sessions older than the marker's. In transparent mode it counts for",
    'those earlier ones that its session was given. If that was not given the named one either, it has carbons (XEP-0280) or has',
    'looked into an archive: then it counts for all that was written while it was there, too. What only other sessions were given',
    'stays pending; when they end without having confirmed it, it is sent again, also to a device that had it as a carbon. A reply',
    '(XEP-0461) and a reaction (XEP-0444) count as a receipt for the message that they name.',
    '',
    'Each kind of evidence has its own counter in [metrics.md](metrics.md).',
    '',
  ].join('\n');
}
