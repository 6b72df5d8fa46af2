import { TransparentPolicy } from '../../../src/addressing/transparent-policy.ts';
import type { Sent } from '../../../src/delivery/ports.ts';
import { Gate, type GateOptions } from '../../../src/gate/gate.ts';
import type { Outcome, Request } from '../../../src/store/contract.ts';
import { MemoryStore } from '../../../src/store/memory/memory-store.ts';
import { textOf } from '../../../src/util/octets.ts';
import type { CoalescingKey, OutgoingStanza, Priority } from '../../../src/xmpp/connection/outgoing-stanza.ts';
import { PriorityQueue } from '../../../src/xmpp/connection/priority-queue.ts';
import { parseStanza } from '../stanzas/xml.ts';
import { DAY, RETRY } from '../store/ledger.ts';
import { DOMAINS, stageOn } from './delivery-stage.ts';

const NS = 'urn:openfire-receipts:gate:1';
const SERVER = DOMAINS.servedDomain;
const ENABLED = '<enabled version="1" token="T" epoch="e" timeout="60000" lease="60000"/>';

/** A store in memory, which answers a call when the test lets it. */
class SlowStore extends MemoryStore {
  #held: { readonly kind: Request['kind']; readonly come: () => void; readonly until: Promise<void> } | undefined;

  /** The keys of the claims so far. */
  readonly claims: string[] = [];

  override async batch(requests: readonly Request[], at?: number): Promise<Outcome[]> {
    for (const request of requests) if (request.kind === 'claim') this.claims.push(request.key);
    const outcomes = await super.batch(requests, at);
    const held = this.#held;
    if (held !== undefined && requests.some(({ kind }) => kind === held.kind)) {
      held.come();
      await held.until;
    }
    return outcomes;
  }

  /** The next call with such a request is carried out, and not answered: resolves when it has come, with what answers it. */
  holds(kind: Request['kind']): Promise<() => void> {
    return new Promise((resolve) => {
      let answer = () => {};
      const until = new Promise<void>((released) => {
        answer = () => {
          this.#held = undefined;
          released();
        };
      });
      this.#held = { kind, come: () => resolve(answer), until };
    });
  }
}

const newStore = () => new SlowStore({ retry: RETRY, dedupWindow: 8 * DAY, undeliveredRetention: 30 * DAY });

/** Delivery behind a gate that only tells what the test says, on a store in memory whose answers the test may hold back. */
export async function openGateDeliveryStage(store = newStore(), remembered = '') {
  let written: string[] = [];
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const queue = new PriorityQueue<Sent>();
  const send = (xml: string, tag?: Sent, priority: Priority = 'normal', key?: CoalescingKey, owner = '') => {
    const held: OutgoingStanza<Sent> = { xml: textOf(xml), tag, done: false, priority, key, owner };
    written.push(held.xml);
    queue.push(held);
    return held;
  };
  const counts = {
    gateHeld: 0,
    gateStored: 0,
    gatePassed: 0,
    gateDropped: 0,
    gateLate: 0,
    gateUnheld: 0,
    gateOpened: 0,
  };
  const link = { send };
  const options = { ...DOMAINS, link, clock: store.clock, counts, log };
  const gate = new Gate(options as unknown as GateOptions);
  const addresses = new TransparentPolicy(DOMAINS);
  const graces = { proof: 5000, flush: 5000 };
  const stage = stageOn(
    { ledger: store, close: () => gate.close() },
    { addresses, link, gate: { gate, graces, proofCounts: 'redelivery' }, presence: { probes: false } },
  );
  const { messages, presence, pipeline } = stage.receipts;
  gate.on('held', (n, element) => {
    const [from, to] = [addresses.parse(element.attrs.from ?? ''), addresses.parse(element.attrs.to ?? '')];
    if (from.kind === 'user' && to.kind === 'user') messages.takeHeld({ from, to, heldAs: n }, element);
  });
  gate.on('session', ({ user, resource, session: { id, priority }, what }) => {
    if (what === 'available') presence.reported.available(user, resource, id, priority, false);
    else presence.reported.unavailable(user, resource);
  });
  const tells = (events: string) =>
    gate.take(parseStanza(`<message from="${SERVER}" to="c"><gate xmlns="${NS}" token="T">${events}</gate></message>`));
  /** All that follows from what was told has been done. */
  const settled = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    await pipeline.drained();
  };
  gate.online();
  const id = /id="([^"]*)"/.exec(written.join(''))?.[1];
  gate.take(
    parseStanza(`<iq type="result" from="${SERVER}" to="c" id="${id}"><gate xmlns="${NS}">${ENABLED}</gate></iq>`),
  );
  tells(`${remembered}<ready/>`);
  await settled();
  return {
    store,
    tells,
    settled,
    close: stage.close,
    /** The verdicts and copies that the gate was given since the last look, with the counters of their numbers. */
    given(): string[] {
      const commands = written.flatMap((xml) => [...xml.matchAll(/<(stored|deliver) n="e-(\d+)"/g)]);
      written = [];
      return commands.map(([, name, n]) => `${name} ${n}`);
    },
    /** All that waits on the link, as it is written. */
    *writes(): Generator<string> {
      for (let next = queue.take(); next !== undefined; next = queue.take()) yield next.xml;
    },
  };
}
