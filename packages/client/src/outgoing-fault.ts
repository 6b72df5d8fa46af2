import { clean, type Tree } from './tree.ts';
import type { Failure } from './types.ts';

/** Characters. Servers end a stream at a stanza that is too large (Prosody beyond 256 KiB), and would again at each copy. */
const MAX_STANZA_LENGTH = 200_000;

/**
 * Why a stanza cannot be sent.
 *
 * @param names the address and the id as they were given: an element's attributes have been cleaned
 */
export function faultOf(stanza: Tree, names: string): Pick<Failure, 'condition' | 'text'> | undefined {
  const [name, { to, type }] = stanza;
  // No address or id is made another one by leaving out what cannot be sent.
  if (name !== 'message' || !to || clean(names) !== names || (type !== 'chat' && type !== 'normal')) {
    return { condition: 'bad-request', text: 'Not a chat message to anybody' };
  }
  if (JSON.stringify(stanza).length > MAX_STANZA_LENGTH) return { condition: 'policy-violation', text: 'Too large' };
  return undefined;
}
