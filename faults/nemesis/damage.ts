import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { until } from '../../tests/support/time/until.ts';
import type { Message } from '../history.ts';
import type { Fault } from '../nemesis.ts';
import type { Scene } from '../scenario.ts';

const PREFIX = '{receipts}';

export const DAMAGES = ['cut short', 'fields run together', 'another type', 'gone', 'garbage in the due set'] as const;
export type Damage = (typeof DAMAGES)[number];

/** Spoils the record of one of these messages that is pending. */
export function damaged(scene: Scene, how: Damage, messages: () => readonly Message[]): Fault {
  const { stage, recorder, random } = scene;
  const { admin, world } = stage;
  const begin = async () => {
    if (how === 'garbage in the due set') {
      const garbage = ['garbage', '', '\n=+ not a key', `${'x'.repeat(21)}?`];
      await admin.call('ZADD', `${PREFIX}:due`, ...garbage.flatMap((member, i) => [String(i), member]));
      return;
    }
    const { domain } = world.xmpp;
    const jid = (name: string) => `${scene.account(name)}@${domain}`;
    const keyOf = ({ sender, recipient, id }: Message) => recordKey(jid(sender), jid(recipient), id);
    const pending = async () => {
      const due = new Set(await admin.zrange(`${PREFIX}:due`, '0', '-1'));
      const found = messages().filter((message) => due.has(keyOf(message)));
      return found.length > 0 ? found : undefined;
    };
    const found = await until(pending, { what: 'a pending message, to damage its record' });
    const victim = random.pick(found ?? []);
    const name = `${PREFIX}:m:${keyOf(victim)}`;
    const value = await admin.get(name);
    if (value === null) return;
    recorder.add({ kind: 'damaged', message: victim.id, how });
    if (how === 'cut short') await admin.set(name, value.slice(0, random.between(1, value.length - 1)));
    else if (how === 'fields run together') await admin.set(name, value.replaceAll('\x1f', ' '));
    else await admin.del(name);
    if (how === 'another type') await admin.lpush(name, 'not a record');
  };
  return { name: `a record is damaged: ${how}`, lossless: true, begin, end: () => {} };
}
