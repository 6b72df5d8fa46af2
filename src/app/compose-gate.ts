import type { AddressPolicy, Route } from '../addressing/address-policy.ts';
import { BothPolicy } from '../addressing/both-policy.ts';
import { SubdomainPolicy } from '../addressing/subdomain-policy.ts';
import { TransparentPolicy } from '../addressing/transparent-policy.ts';
import type { Config } from '../config/config.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { DeletedAccounts } from '../delivery/gate/deleted-accounts.ts';
import type { SessionPingsOptions } from '../delivery/redelivery/session-pings.ts';
import { Gate, type GateOptions } from '../gate/gate.ts';
import type { Perform } from '../store/contract.ts';
import { Erasure } from '../store/erasure.ts';
import type { Log } from '../util/log.ts';
import type { StoreParts } from './compose-store.ts';
import type { GateTuning } from './tuning.ts';

/** See GateTuning. */
const FLUSH_GRACE = 5000;

/** How users know each other, by the mode. */
export function composeAddresses({ xmpp, ack, gate: { mode } }: Pick<Config, 'xmpp' | 'ack' | 'gate'>): AddressPolicy {
  if (mode === 'both') return new BothPolicy({ ...xmpp, ackFrom: ack.from });
  const subdomain = new SubdomainPolicy({ ...xmpp, ackFrom: ack.from });
  // What was stored in MODE=subdomain, or in both, may be pending still.
  return mode === 'transparent' ? new TransparentPolicy(xmpp, subdomain) : subdomain;
}

export interface GateParts extends Pick<GateOptions, 'link' | 'clock' | 'counts' | 'ledger'> {
  readonly config: Pick<Config, 'xmpp' | 'gate' | 'ack' | 'durability' | 'retry'>;
  readonly log: Log;
  readonly tuning?: GateTuning | undefined;
}

/** The component's end of a gate, with what its evidence means; undefined where there is none (MODE=subdomain). */
export function composeGate({ config, link, clock, counts, ledger, log, tuning }: GateParts) {
  const { mode, proofCounts, proofGrace } = config.gate;
  if (mode === 'subdomain') return undefined;
  const { componentDomain, servedDomain } = config.xmpp;
  const { lease: timing, reportEvery } = tuning ?? {};
  const acks = config.ack.format === 'none' ? undefined : config.durability;
  const unheldFor = config.retry.dedupWindow;
  const gate = new Gate({
    link,
    clock,
    counts,
    componentDomain,
    servedDomain,
    log,
    timing,
    reportEvery,
    unheldFor,
    acks,
    ledger,
  });
  const graces = { proof: proofGrace, flush: tuning?.flush ?? FLUSH_GRACE };
  return { gate, proofCounts, graces, orderWithin: tuning?.orderWithin, ownerFirst: tuning?.ownerFirst };
}

/** Pings sessions, but not while a gate tells of all that can be known of them; in MODE=both, it holds some messages only. */
export function pingUnlessHeld(
  gate: Pick<Gate, 'isReady'> | undefined,
  mode: Config['gate']['mode'],
  ping: SessionPingsOptions['ping'],
): SessionPingsOptions['ping'] {
  if (gate === undefined || mode !== 'transparent') return ping;
  return async (fullJid) => (gate.isReady ? 'unknown' : ping(fullJid));
}

/** The bare JID of a user, as it is stored; a server may have names that are none. */
function userAt(addresses: AddressPolicy, jid: string): string | undefined {
  try {
    const { kind, bare } = addresses.parse(jid);
    return kind === 'user' ? bare : undefined;
  } catch {
    return undefined;
  }
}

/** The two of a message of a gate's, if both are users; a server may have names that are none to us. */
function usersAt(addresses: AddressPolicy, from: string, to: string): Pick<Route, 'from' | 'to'> | undefined {
  try {
    const both = { from: addresses.parse(from), to: addresses.parse(to) };
    return both.from.kind === 'user' && both.to.kind === 'user' ? both : undefined;
  } catch {
    return undefined;
  }
}

/** What a gate tells the rooms above, and they it. */
export function connectGate(
  gate: Gate,
  delivery: Delivery,
  {
    events,
    queries,
    pipeline,
    ledger,
    steps,
  }: Pick<StoreParts, 'events' | 'queries' | 'pipeline' | 'ledger' | 'steps'>,
  config: Config,
  log: Log,
): void {
  const { messages, presence } = delivery;
  const addresses = new TransparentPolicy(config.xmpp);
  const perform: Perform = (request) => pipeline.perform(request);
  const accounts = new DeletedAccounts({
    queries,
    pipeline,
    addresses,
    endings: delivery.endings,
    erasure: new Erasure({ queries, perform, steps }),
    forget: (isOver) => delivery.forgetMessages(isOver),
    isThere: (user) => gate.sessionsOf(user).length > 0,
    clock: ledger.clock,
    log,
  });
  gate.on('held', (n, element) => {
    const users = usersAt(addresses, element.attrs.from ?? '', element.attrs.to ?? '');
    if (users !== undefined) messages.takeHeld({ ...users, heldAs: n }, element);
    else gate.give('pass', n);
  });
  gate.on('receipt', ({ n, session }, receipt) => {
    const users = usersAt(addresses, session.jid, receipt.to);
    if (users !== undefined) delivery.routedReceipts?.take(n, users, receipt, session.id);
  });
  gate.on('unheldReceipt', (receipt, id) => {
    const users = usersAt(addresses, receipt.by, receipt.to);
    if (users !== undefined) delivery.routedReceipts?.takeUnheld(users, id);
  });
  // Of those that are told before all are, nobody knows what they did meanwhile.
  gate.on('session', ({ user, resource, session: { id, state, priority }, what }) => {
    if (what === 'available' || what === 'changed') {
      presence.reported.available(user, resource, id, priority, !gate.isReady);
    } else if (what !== 'detached' && (state !== 'bound' || what === 'unavailable')) {
      presence.reported.unavailable(user, resource);
    }
  });
  gate.on('deleted', (user, at, again) => {
    const account = userAt(addresses, user);
    if (account !== undefined) accounts.take(account, at, again);
  });
  delivery.copies.isOver = (record) => accounts.isOver(record);
  gate.on('lost', () => accounts.pause());
  gate.on('ready', () => {
    accounts.resume();
    const isThere = (user: string, resource: string) =>
      gate.sessionsOf(user).some(({ jid, state }) => state !== 'bound' && jid === `${user}/${resource}`);
    presence.reported.reconcile(isThere).catch((error) => {
      log.warn({ err: error }, 'What sessions have ended could not be compared with Redis');
    });
  });
  events.on('failing', (failing) => gate.storable(!failing));
}
