import { recordKey } from '../../src/stanza/key.ts';
import type { Message, Recorder } from '../history.ts';
import type { Fault } from '../nemesis.ts';
import type { Random } from '../random.ts';
import type { Stage } from '../stage.ts';

const PREFIX = '{receipts}';

export const DAMAGES = ['cut short', 'broken JSON', 'another type', 'gone', 'garbage in the due set'] as const;
export type Damage = (typeof DAMAGES)[number];

/** Spoils the record of one message that is pending, if there is one. */
export function damaged(
  { admin, world }: Stage,
  recorder: Recorder,
  random: Random,
  how: Damage,
  messages: () => readonly Message[],
): Fault {
  const begin = async () => {
    if (how === 'garbage in the due set') {
      const garbage = ['garbage', '', '\n=+ not a key', `${'x'.repeat(21)}?`];
      await admin.call('ZADD', `${PREFIX}:due`, ...garbage.flatMap((member, i) => [String(i), member]));
      return;
    }
    const due = new Set(await admin.zrange(`${PREFIX}:due`, '0', '-1'));
    const { domain } = world.xmpp;
    const keyOf = ({ sender, recipient, id }: Message) =>
      recordKey(`${sender}@${domain}`, `${recipient}@${domain}`, id);
    const pending = messages().filter((message) => due.has(keyOf(message)));
    if (pending.length === 0) return;
    const victim = random.pick(pending);
    const name = `${PREFIX}:m:${keyOf(victim)}`;
    const value = await admin.get(name);
    if (value === null) return;
    recorder.add({ kind: 'damaged', message: victim.id, how });
    if (how === 'cut short') await admin.set(name, value.slice(0, random.between(1, value.length - 1)));
    else if (how === 'broken JSON') await admin.set(name, value.replace(/\{.*?\n/s, '{"k":"x","d":\n'));
    else await admin.del(name);
    if (how === 'another type') await admin.lpush(name, 'not a record');
  };
  return { name: `a record is damaged: ${how}`, lossless: true, begin, end: () => {} };
}
