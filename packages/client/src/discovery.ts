import {
  MAX_STATUS_MESSAGES,
  type MessageState,
  type NoticeAttributes,
  STATUS,
  STATUS_MESSAGE,
} from '../../protocol/elements.ts';
import * as NS from '../../protocol/namespaces.ts';
import { toElement } from './build.ts';
import type { StatusUpdate } from './read.ts';
import type { Tree } from './tree.ts';
import type { Element, XmppClient } from './types.ts';

/** ms */
const TIMEOUT = 5000;
/** How many items of a server are asked for their features, at most. */
const MAX_ITEMS = 20;

/**
 * Asks a question (RFC 6120 section 8.2.3).
 *
 * @param to undefined for the user's own account
 * @param name of the children that its answer is looked through for
 * @throws {Error} when the answer is an error, or none comes in time
 */
export async function ask(
  xmpp: XmppClient,
  to: string | undefined,
  question: Tree,
  name: string,
  timeout = TIMEOUT,
): Promise<Element[]> {
  const iq = toElement(['iq', { type: 'get', to }, question]);
  const answer = await xmpp.iqCaller.request(iq, timeout);
  return answer.getChild(question[0], question[1].xmlns)?.getChildren(name) ?? [];
}

/**
 * Looks among a server's items for the proxy (XEP-0030).
 *
 * @returns its domain; undefined if there is none, or nobody answers
 */
export async function findComponent(xmpp: XmppClient, server: string): Promise<string | undefined> {
  try {
    const items = await ask(xmpp, server, ['query', { xmlns: NS.discoItems }], 'item');
    const jids = items.flatMap(({ attrs }) => (attrs.jid && !attrs.node ? [attrs.jid.toLowerCase()] : []));
    // The first that says so: another item may take its time.
    return await Promise.any(
      jids.slice(0, MAX_ITEMS).map(async (jid) => {
        if ((await featuresOf(xmpp, jid)).includes(NS.own)) return jid;
        throw new Error();
      }),
    );
  } catch {
    return undefined;
  }
}

/** An entity's features (XEP-0030); none if it does not answer. */
export async function featuresOf(xmpp: XmppClient, jid: string): Promise<(string | undefined)[]> {
  try {
    const features = await ask(xmpp, jid, ['query', { xmlns: NS.discoInfo }], 'feature');
    return features.map(({ attrs }) => attrs.var);
  } catch {
    return [];
  }
}

/** The states in an answer to a status question, or in a batch. */
export function readStatus(messages: readonly Element[]): StatusUpdate[] {
  return messages.flatMap(({ attrs: { id, to, state } }) =>
    id && to && state ? [{ id, to, state: state as MessageState }] : [],
  );
}

/** Asks for the status of messages. Those without an answer are left out. */
export async function askStatus(
  xmpp: XmppClient,
  component: string,
  messages: readonly NoticeAttributes[],
): Promise<StatusUpdate[]> {
  const known: StatusUpdate[] = [];
  for (let i = 0; i < messages.length; i += MAX_STATUS_MESSAGES) {
    const asked = messages.slice(i, i + MAX_STATUS_MESSAGES);
    const named = asked.map(({ id, to }) => [STATUS_MESSAGE, { id, to }] as const);
    try {
      const question: Tree = [STATUS, { xmlns: NS.own }, ...named];
      known.push(...readStatus(await ask(xmpp, component, question, STATUS_MESSAGE)));
    } catch {
      // The other questions would wait as long. Messages whose state is not known are sent again.
      break;
    }
  }
  return known;
}
