import { xml } from '@xmpp/client';
import type { Element } from '../../../packages/client/src/index.ts';

/** An element of one's own, with the same content: one that was written belongs to the stream. */
export function element({ name, attrs, children }: Pick<Element, 'name' | 'attrs' | 'children'>): Element {
  return xml(name, { ...attrs }, ...children.map((child) => (typeof child === 'string' ? child : element(child))));
}
