import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { LinkPort } from '../delivery/ports.ts';
import { type CommandsPort, ComponentService } from '../routing/component-service.ts';
import type { Handlers } from '../routing/ports.ts';
import { Router } from '../routing/router.ts';
import type { Store } from '../store/contract.ts';

export interface RouterParts {
  readonly addresses: AddressPolicy;
  readonly link: LinkPort;
  readonly delivery: Delivery;
  readonly iq: Handlers['iq'];
  readonly ledger: Pick<Store, 'status'>;
  /** Ad-hoc commands of the component, where there are any. */
  readonly commands?: CommandsPort | undefined;
  /** Whether a gate holds messages for the component. */
  readonly holds?: (() => boolean) | undefined;
  readonly version: string;
  readonly log: { warn(fields: object, message: string): void };
}

/** The router and its handlers, put together. */
export function composeRouter(parts: RouterParts): Router {
  const { addresses, link, delivery, iq, ledger, commands, holds, version, log } = parts;
  const { passthrough: refuser, pipeline, presence, quotas, messages } = delivery;
  const component = new ComponentService({
    link,
    addresses,
    refuser,
    contactRemoved: (from, to) => presence.contactRemoved(from, to),
    commands,
    holds,
    status: async (keys, requester) => {
      // After the messages that came before the question.
      await new Promise<void>((resolve) => pipeline.push({ owner: requester, done: () => resolve() }));
      return ledger.status(keys, true);
    },
    version,
    log,
  });
  const handlers: Handlers = {
    messages,
    presence,
    iq,
    component: { iq: (element) => void component.iq(element) },
  };
  return new Router({ addresses, handlers, refuser, quotas, log });
}
