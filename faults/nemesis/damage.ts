import { recordKey } from '../../src/xmpp/stanza/message-key.ts';
import { KeptShards } from '../../tests/support/store/kept-shards.ts';
import { until } from '../../tests/support/time/until.ts';
import type { Message } from '../history.ts';
import type { Fault } from '../nemesis.ts';
import type { Scene } from '../scenario.ts';

export const DAMAGES = ['cut short', 'fields run together', 'another type', 'gone', 'garbage in the due set'] as const;
export type Damage = (typeof DAMAGES)[number];

/** Spoils the record of one of these messages that is pending. */
export function damaged(scene: Scene, how: Damage, messages: () => readonly Message[]): Fault {
  const { stage, recorder, random } = scene;
  const { admin, world } = stage;
  const kept = new KeptShards(admin);
  const begin = async () => {
    if (how === 'garbage in the due set') {
      const garbage = ['garbage', '', '\n=+ not a key', `${'x'.repeat(21)}?`];
      for (const { due } of await kept.all())
        await admin.call('ZADD', due, ...garbage.flatMap((member, i) => [String(i), member]));
      return;
    }
    const { domain } = world.xmpp;
    const jid = (name: string) => `${scene.account(name)}@${domain}`;
    const keyOf = ({ sender, recipient, id }: Message) => recordKey(jid(sender), jid(recipient), id);
    const pending = async () => {
      const due = new Set((await kept.due()).keys());
      const found = messages().filter((message) => due.has(keyOf(message)));
      return found.length > 0 ? found : undefined;
    };
    const found = await until(pending, { what: 'a pending message, to damage its record' });
    const victim = random.pick(found ?? []);
    const name = (await kept.ofMessage(keyOf(victim))).record(keyOf(victim));
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
