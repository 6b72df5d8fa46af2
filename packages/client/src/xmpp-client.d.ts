// @xmpp/client ships no types; this is the part of it that the client library imports.
declare module '@xmpp/client' {
  import type { Element } from './types.ts';

  export function xml(
    name: string,
    attrs?: Record<string, string | undefined>,
    ...children: (Element | string)[]
  ): Element;
}
