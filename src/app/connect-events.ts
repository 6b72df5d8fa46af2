import type { Element } from '@xmpp/xml';
import type { Log } from '../util/log.ts';
import type { Rooms } from './compose-rooms.ts';

/** What lower rooms have to say to higher ones: all of it, in one place. */
export function connectEvents(
  { store, link, gate, delivery, iq, ingress, workers, health }: Rooms,
  log: Log,
  { bodies }: { readonly bodies: boolean },
): void {
  const { pipeline, monitoring, events } = store;
  events.on('failing', (failing) => delivery.presence.redis(failing));
  pipeline.whenRoom(() => ingress.pump());
  monitoring.monitor.onLoss(() => {
    delivery.forgetCached();
    iq.capabilities.forgetCached();
  });

  const heads = log.isLevelEnabled('trace');
  const take = (element: Element) => {
    if (heads) {
      const { id, from, to, type } = element.attrs;
      const content = bodies ? { content: element.toString() } : undefined;
      log.trace({ stanza: element.name, id, from, to, type, ...content }, 'Stanza received');
    }
    if (element.name !== 'iq' || !health.handle(element)) ingress.take(element);
  };
  link.on('stanza', gate === undefined ? take : (element) => gate.take(element) || take(element));
  link.on('handedOver', (batch, took) => delivery.outbox.handedOver(batch, took));
  link.on('proved', () => health.proved());
  link.on('online', () => {
    health.online();
    gate?.online();
    delivery.presence.online();
    // What is pending in an older copy of the ledger is not sent, and does not end.
    void (gate?.compared ?? Promise.resolve()).then(() => {
      if (link.online) workers.resume();
    });
  });
  link.on('offline', () => {
    health.offline();
    gate?.offline();
    delivery.presence.offline();
    delivery.pings.offline();
    void workers.pause();
  });
  link.on('quarantined', (stanza) => void delivery.unsendable.take(stanza));
  link.on('oversized', ({ name, attrs }) => {
    // Its id may be what is too large, and an answer that repeats it would be so as well.
    const named = (attrs.id ?? '').length > 1000 ? { ...attrs, id: '' } : attrs;
    const tooLarge = { condition: 'policy-violation', text: 'Too large' } as const;
    delivery.passthrough.refuse({ name, attrs: named, inner: '' }, tooLarge);
  });
}
