import { xml } from '@xmpp/client';
import * as NS from '../../protocol/namespaces.ts';
import type { DueReceipt } from './entries.ts';
import { clean, isString, type Tree, toTree } from './tree.ts';
import type { Element, OutgoingMessage } from './types.ts';

export function newId(): string {
  return crypto.randomUUID();
}

/** Whether an id is a UUID, with hyphens or without: it is unique, and not counted. */
export function isUuid(id: string): boolean {
  return /([\da-f]{4}-?){8}/i.test(id);
}

/** A message as it will be written each time: with its id, an `origin-id` (XEP-0359), and a request for a receipt. */
export function toStanza(message: OutgoingMessage | Element, id: string): Tree {
  const [name, attrs, ...children] = 'attrs' in message ? toTree(message) : describe(message);
  const others = children.filter(
    (child) => !isChild(child, 'request', NS.receipts) && !isChild(child, 'origin-id', NS.sid),
  );
  const own: Tree[] = [
    ['request', { xmlns: NS.receipts }],
    // An application may count its ids from the beginning: its message must not be taken for an earlier one.
    ['origin-id', { xmlns: NS.sid, id: isUuid(id) ? id : newId() }],
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
  return !isString(child) && child[0] === name && child[1].xmlns === xmlns;
}

/** An attribute that is undefined is not written on the wire. */
export function toElement([name, attrs, ...children]: Tree): Element {
  return xml(name, { ...attrs }, ...children.map((child) => (isString(child) ? child : toElement(child))));
}

/** Receipts (XEP-0184 section 5.4) for messages from one address: to whom they came from, of the first one's type. */
export function receipts(owed: readonly DueReceipt[]): Element {
  const { to, type } = owed[0] as DueReceipt;
  const received = owed.map(({ id }): Tree => ['received', { xmlns: NS.receipts, id }]);
  return toElement(['message', { to, type, id: newId() }, ...received]);
}
