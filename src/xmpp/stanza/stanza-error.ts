import type { Element } from '@xmpp/xml';
import { NS } from './namespaces.ts';

/** What a stanza of type `error` says (RFC 6120 section 8.3.2). */
export interface ReadError {
  /** `undefined-condition` when it names none. */
  readonly condition: string;
  readonly errorType: string | undefined;
  readonly text: string | undefined;
}

/** Characters of a text that are kept: it is stored, and told to a sender as often as he asks. */
const LONGEST_TEXT = 1000;

const TYPES: ReadonlySet<string> = new Set(['auth', 'cancel', 'continue', 'modify', 'wait']);

export function readError(stanza: Element): ReadError {
  const error = stanza.getChild('error');
  const children = error?.getChildElements().filter((child) => child.getNS() === NS.stanzas) ?? [];
  const condition = children.find((child) => child.getName() !== 'text')?.getName() ?? 'undefined-condition';
  const type = error?.attrs.type;
  return {
    condition,
    errorType: type !== undefined && TYPES.has(type) ? type : undefined,
    text:
      children
        .find((child) => child.getName() === 'text')
        ?.getText()
        .slice(0, LONGEST_TEXT) || undefined,
  };
}
