import type { Element, XmppClient } from './types.ts';

/** ms between checks, and how many: a server has 3 s to answer `<enable/>`. */
const CHECK_INTERVAL = 20;
const CHECKS = 150;

/**
 * Resolves when it is known whether the session has stream management (XEP-0198 section 3). `@xmpp/client` says that it
 * is online before it asks for it, and stanzas that are written until then are not counted. It has no event for the answer.
 */
export async function streamManagementNegotiated({ streamManagement }: XmppClient): Promise<void> {
  await pause(0);
  for (let i = 0; i < CHECKS && streamManagement.enableSent && !streamManagement.enabled; i++)
    await pause(CHECK_INTERVAL);
}

type Listener = (element: Element) => void;

const NS_SM = 'urn:xmpp:sm:3';

/**
 * Counts every stanza that comes (XEP-0198 section 4). `@xmpp/client` 0.14 leaves out the answers to
 * IQ requests, and what came together with `<enabled/>`. The server then believes that the last messages did not arrive:
 * after a resumption they come again, and if the session ends they go to offline storage.
 *
 * @param on adds a listener, for the library's life
 */
export function countAll({ streamManagement }: XmppClient, on: (event: string, listener: Listener) => void): void {
  // Undefined without stream management, and where it was enabled within the login (XEP-0388), which is not seen here.
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
