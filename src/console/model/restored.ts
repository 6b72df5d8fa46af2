import type { CommandContext } from '../../commands/command-context.ts';
import { isoTime } from '../../health/iso-time.ts';
import type { RestoredWord } from '../../store/contract.ts';
import type { Decided, Restored } from '../schemas.ts';

/** What is held back of a restored copy of the ledger; undefined while there is nothing. */
export async function restored({ restored: copy }: CommandContext): Promise<Restored | undefined> {
  const state = await copy.state();
  return state && { found: isoTime(state.upto), pending: state.pending, ending: state.isEnding };
}

/** Says what becomes of that. */
export async function decide({ restored: copy }: CommandContext, word: RestoredWord): Promise<Decided | undefined> {
  const { before, ended, done } = await copy.say(word, 'the console');
  return before && { pending: before.pending, ended, done };
}
