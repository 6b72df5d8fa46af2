import type { Element, XmppClient } from './types.ts';

/** ms between looks, and looks: a server has 3 s to answer `<enable/>`. */
const LOOK_EVERY = 20;
const LOOKS = 150;

/**
 * Resolves when it is known whether the session has stream management (XEP-0198 section 3). `@xmpp/client` says that it
 * is online before it asks for it, and what is written until then nobody counts. Of the answer it tells by no event.
 */
export async function settled({ streamManagement }: XmppClient): Promise<void> {
  await pause(0);
  for (let i = 0; i < LOOKS && streamManagement.enableSent && !streamManagement.enabled; i++) await pause(LOOK_EVERY);
}

type Listener = (element: Element) => void;

const NS_SM = 'urn:xmpp:sm:3';

/**
 * Sees to it that every stanza that comes is counted (XEP-0198 section 4). `@xmpp/client` 0.14 leaves out the answers to
 * IQ requests, and what came together with `<enabled/>`. The server then believes that the last messages did not arrive:
 * after a resumption they come again, and if the session ends they go to offline storage.
 *
 * @param on listens, as long as the library does
 */
export function countAll({ streamManagement }: XmppClient, on: (event: string, listener: Listener) => void): void {
  // Undefined while there is no stream management, or it was begun where it is not seen (XEP-0388).
  let count: number | undefined;
  on('nonza', (element) => {
    if (element.is('enabled', NS_SM)) count = 0;
    else if (element.is('failed', NS_SM)) count = undefined;
  });
  on('stanza', () => {
    if (count !== undefined) streamManagement.inbound = ++count;
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
