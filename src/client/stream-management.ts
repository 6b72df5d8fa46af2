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

const NS_SM = 'urn:xmpp:sm:3';

/**
 * Sees to it that every stanza that comes is counted (XEP-0198 section 4). `@xmpp/client` 0.14 leaves out the answers to
 * IQ requests, and what came together with `<enabled/>`. The server then believes that the last messages did not arrive:
 * after a resumption they come again, and if the session ends they go to offline storage.
 *
 * @returns stops it
 */
export function countAll(xmpp: XmppClient): () => void {
  // Undefined while there is no stream management, or it was begun where it is not seen (XEP-0388).
  let count: number | undefined;
  const nonza = (element: Element) => {
    if (element.is('enabled', NS_SM)) count = 0;
    else if (element.is('failed', NS_SM)) count = undefined;
  };
  const stanza = () => {
    if (count === undefined) return;
    count += 1;
    xmpp.streamManagement.inbound = count;
  };
  xmpp.on('nonza', nonza);
  xmpp.on('stanza', stanza);
  return () => {
    xmpp.removeListener('nonza', nonza);
    xmpp.removeListener('stanza', stanza);
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
