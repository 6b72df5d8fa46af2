import { decodeRecord } from '../record-codec.ts';
import { fixed, flag, forms, list, meaningOf, open, whole } from './reply.ts';

/** The version of all replies together, which batches and sweeps reply first; changes with the meaning of any. */
const REPLIES = '1';

/** When a call was carried out, or that it was late. */
export interface Stamp {
  readonly late: boolean;
  /** ms. */
  readonly time: number;
  readonly epoch: string;
}

const stamp = (late: boolean) =>
  fixed(3, ([version, time, epoch]): Stamp => {
    if (version !== REPLIES) throw new SyntaxError(`the scripts reply in version ${version}, which is another`);
    return { late, time: whole(time), epoch };
  });

interface ShardMark {
  readonly what: 'kept' | 'older' | 'emptied';
  readonly before: number;
  /** Changes when any process finds it older or emptied. */
  readonly found: number;
}

const countOf = (text: string) => (text === '' ? 0 : whole(text));

/** What scripts reply beside replies to operations. */
export const SCRIPT_FORMS = {
  stamp: forms({ 'carried-out': stamp(false), late: stamp(true) }),
  /** Of a sweep: how many damaged records are kept, how many more are pending than are due, and keys of the damaged that no log has named. */
  damaged: forms({
    damaged: list(2, 1, ([damaged, missing], unreported) => ({
      damaged: whole(damaged),
      missing: missing === '' ? undefined : whole(missing),
      unreported: unreported.flat(),
    })),
  }),
  /** Of a sweep: a record, which may be none. */
  taken: forms({ taken: open(2, ([key, value]) => ({ key, value })) }),
  /** `delivered`: no more is kept of it. */
  status: forms<undefined, { value: string } | 'delivered' | undefined>({
    none: fixed(0, () => undefined),
    delivered: fixed(0, () => 'delivered'),
    found: open(1, ([value]) => ({ value })),
  }),
  look: forms({
    found: open(5, ([key, due, sees, kept, record]) => ({
      record: decodeRecord(key, record),
      kept: flag(kept),
      due: due === '' ? undefined : whole(due),
      seesPresence: flag(sees),
    })),
  }),
  probe: forms({
    mark: fixed(5, ([id, count, made, format, shards]) => ({
      id,
      count: whole(count),
      made: flag(made),
      format: format === '' ? undefined : whole(format),
      shards: shards === '' ? undefined : whole(shards),
    })),
  }),
  /** Of a shard's: what has become of it, and what was noted there before; 0 where there is nothing. */
  shardMark: forms<undefined, ShardMark>({
    kept: fixed(2, ([before, found]) => ({ what: 'kept', before: countOf(before), found: countOf(found) })),
    older: fixed(2, ([before, found]) => ({ what: 'older', before: countOf(before), found: countOf(found) })),
    emptied: fixed(2, ([before, found]) => ({ what: 'emptied', before: countOf(before), found: countOf(found) })),
  }),
  connect: forms({
    granted: fixed(0, () => 'granted' as const),
    other: fixed(0, () => 'other' as const),
    free: fixed(0, () => 'free' as const),
  }),
  rehearse: forms({ list: list(0, 1, (_, names) => names.flat()) }),
};

type ScriptForms = typeof SCRIPT_FORMS;
type Meaning<Name extends keyof ScriptForms> =
  ScriptForms[Name] extends ReadonlyMap<string, { read: (...args: never[]) => infer Meaning }> ? Meaning : never;

/** What a script has replied. Throws an UnreadableReplyError where it is none of its replies. */
export function decodeScript<Name extends keyof ScriptForms>(name: Name, reply: unknown): Meaning<Name> {
  const found = meaningOf<undefined, unknown>(SCRIPT_FORMS[name], name, reply, undefined);
  if (found instanceof Error) throw found;
  return found as Meaning<Name>;
}
