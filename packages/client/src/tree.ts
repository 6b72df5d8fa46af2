import type { Element } from './types.ts';

/** An element as JSON: its name, its attributes, its children. */
export type Tree = readonly [
  name: string,
  attrs: Readonly<Record<string, string | undefined>>,
  ...children: (Tree | string)[],
];

/** What XML 1.0 section 2.2 does not allow: a server ends the stream at it, and would again at each copy. */
const FORBIDDEN = /[^\t\n\r -\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/** A text without the characters that cannot be sent. */
export function clean(text: string): string {
  return text.replace(FORBIDDEN, '');
}

export function toTree({ name, attrs, children }: Element): Tree {
  const own: Record<string, string> = {};
  // An attribute without a value is not written on the wire either.
  for (const key in attrs) if (attrs[key] != null) own[key] = clean(String(attrs[key]));
  return [name, own, ...children.map((child) => (typeof child === 'object' ? toTree(child) : clean(String(child))))];
}

/** Whether a value from a store is a tree. */
export function isTree(value: unknown): value is Tree {
  if (!Array.isArray(value)) return false;
  const [name, attrs, ...children] = value as unknown[];
  return (
    isString(name) &&
    attrs != null &&
    Object.values(attrs).every(isString) &&
    children.every((child) => isString(child) || isTree(child))
  );
}

export function isString(value: unknown): value is string {
  return typeof value === 'string';
}
