import { type Case, type Evidence, faultsIn, harmfulIn } from '../cases.ts';
import type { Violation } from '../violation.ts';

/** With one process, the first attempts of one conversation arrive in the order in which they were written. */
export function* order(evidence: Evidence): Generator<Violation> {
  if (evidence.terms.processes > 1) return;
  const conversations = new Map<string, Case[]>();
  for (const about of evidence.cases) {
    if (!isFirstAttempt(evidence, about)) continue;
    const { sender, recipient } = about.message;
    const conversation = `${sender} ${recipient} ${about.saw[0]?.device}`;
    conversations.set(conversation, [...(conversations.get(conversation) ?? []), about]);
  }
  for (const cases of conversations.values()) {
    cases.sort((a, b) => writtenAt(a) - writtenAt(b));
    let latest = cases[0] as Case;
    for (const about of cases.slice(1)) {
      if (seenAt(about) >= seenAt(latest)) latest = about;
      else {
        const why = `It came before ${latest.message.id}, which had been written before it`;
        yield { rule: 'order', message: about.message.id, at: seenAt(about), why };
      }
    }
  }
}

/** Written once, and taken at once; and no other process, the successor of a killed one, brought it. */
function isFirstAttempt(evidence: Evidence, about: Case): boolean {
  const { wrote, saw, notified, message } = about;
  const [first] = saw;
  if (wrote.length !== 1 || first === undefined || first.delayed) return false;
  if (notified.some(({ what }) => what === 'refused')) return false;
  // A gate keeps the order of what the server routes, whatever becomes of the component.
  if (evidence.terms.mode === 'transparent')
    return harmfulIn(evidence, message, writtenAt(about), first.at).length === 0;
  const faults = faultsIn(evidence, message, writtenAt(about), first.at);
  return !faults.some(({ blocks, user, losesNews }) => blocks === 'process' || user !== undefined || losesNews);
}

function writtenAt({ wrote }: Case): number {
  return wrote[0]?.at as number;
}

function seenAt({ saw }: Case): number {
  return saw[0]?.at as number;
}
