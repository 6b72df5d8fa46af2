import type { Fault } from '../nemesis.ts';
import type { ProxyInstance } from '../proxy-instance.ts';
import type { Stage } from '../stage.ts';

/** The server's module is unloaded, and loaded again with nothing of before. */
export function unloaded(stage: Stage): Fault {
  const begin = () => stage.control('unload');
  return { name: 'the gate is unloaded', begin, end: () => stage.control('load') };
}

/** The server's module is loaded anew, with what it remembers. */
export function reloaded(stage: Stage): Fault {
  return { name: 'the gate is reloaded', begin: () => stage.control('reload'), end: () => {} };
}

/** What the component says to the gate comes late, all at once; the rest of the link works. */
export function unheard({ link, domain: process }: ProxyInstance): Fault {
  const isCommand = (stanza: string) => stanza.includes('urn:openfire-receipts:gate:1');
  return {
    name: 'the gate does not hear the component',
    process,
    lossless: true,
    begin: () => link.set('out', { withhold: isCommand }),
    end: () => link.set('out', { withhold: undefined }),
  };
}
