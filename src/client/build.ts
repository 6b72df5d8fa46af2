import { xml } from '@xmpp/client';
import type { Owed } from './entries.ts';
import { NS } from './namespaces.ts';
import { clean, fromTree, type Tree, toTree } from './tree.ts';
import type { Element, OutgoingMessage } from './types.ts';

export function newId(): string {
  return crypto.randomUUID();
}

/** A message as it will be written each time: with its id, an `origin-id` (XEP-0359), and a request for a receipt. */
export function toStanza(message: OutgoingMessage | Element, id: string): Tree {
  const [name, attrs, ...children] = 'attrs' in message ? toTree(message) : describe(message);
  const others = children.filter(
    (child) => !isChild(child, 'request', NS.receipts) && !isChild(child, 'origin-id', NS.sid),
  );
  const own: Tree[] = [
    ['request', { xmlns: NS.receipts }],
    ['origin-id', { xmlns: NS.sid, id }],
  ];
  return [name, { type: 'chat', ...attrs, id }, ...others, ...own];
}

function describe({ to, type = 'chat', body, thread, children = [] }: OutgoingMessage): Tree {
  const own: Tree[] = [];
  if (body !== undefined) own.push(['body', {}, clean(body)]);
  if (thread !== undefined) own.push(['thread', {}, clean(thread)]);
  return ['message', { to, type }, ...own, ...children.map(toTree)];
}

function isChild(child: Tree | string, name: string, xmlns: string): boolean {
  return typeof child !== 'string' && child[0] === name && child[1].xmlns === xmlns;
}

export function toElement(tree: Tree): Element {
  return fromTree<Element>(tree, xml as unknown as (name: string, attrs: Record<string, string>) => Element);
}

/** Receipts (XEP-0184 section 5.4) for messages from one address: to whom they came from, of the first one's type. */
export function receipts(owed: readonly Owed[]): Element {
  const { to, type } = owed[0] as Owed;
  const received = owed.map(({ id }): Tree => ['received', { xmlns: NS.receipts, id }]);
  return toElement(['message', { to, ...(type !== undefined && { type }), id: newId() }, ...received]);
}

/** An IQ request; `iqCaller` gives it an id. */
export function request(type: 'get' | 'set', to: string | undefined, child: Tree): Element {
  return toElement(['iq', { type, ...(to !== undefined && { to }) }, child]);
}
