import type { DeliveryOptions } from '../../../src/delivery/delivery.ts';
import { claim, expire, subscriptionStep } from '../../../src/store/contract.ts';
import { MemoryStore } from '../../../src/store/memory/memory-store.ts';
import { JOB_LEASE } from '../../../src/store/retry-policy.ts';
import { ALICE, BOB, DAY, keyOf, RETRY } from '../store/ledger.ts';
import { stageOn } from './delivery-stage.ts';

const AT_ALICE = 'alice@receipts.example.org';
const NO_STORE = '<no-store xmlns="urn:xmpp:hints"/>';
/** What is random in what we write. */
const DELAY = /<delay xmlns="urn:xmpp:delay"[^>]*\/>/;

export const REQUEST = '<request xmlns="urn:xmpp:receipts"/>';
export const received = (id: string) => `<received xmlns="urn:xmpp:receipts" id="${id}"/>`;

/** Alice writes to bob. */
export const aliceSends = (id = 'm-1', children = `<body>${id}</body>${REQUEST}`) =>
  `<message from="${ALICE}/phone" to="bob@receipts.example.org" type="chat" id="${id}">${children}</message>`;
export const bobSends = (children: string, attributes = '', resource = 'desk') =>
  `<message from="${BOB}/${resource}" to="${AT_ALICE}/phone" ${attributes}>${children}</message>`;
export const bobBounces = (condition: string, id = 'm-1') =>
  `<message from="${BOB}" to="${AT_ALICE}/phone" type="error" id="${id}"><error type="cancel">` +
  `<${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`;
export const bobIs = (resource: string, attributes = '') =>
  `<presence from="${BOB}/${resource}" to="${AT_ALICE}" ${attributes}/>`;
export const aliceIs = (resource: string, attributes = '') =>
  `<presence from="${ALICE}/${resource}" to="bob@receipts.example.org" ${attributes}/>`;

/** What a stanza that we wrote is, in a word, and the id of the message that it is about. */
function summary(xml: string): string {
  const copy = /^<message [^>]*to="bob@example\.org(\/\w+)?"[^>]* id="([\w~-]+)"/.exec(xml);
  if (copy) {
    const how = [DELAY.test(xml) && 'again', xml.includes(NO_STORE) && 'not to be stored', copy[1]].filter(Boolean);
    return [`copy ${copy[2]}`, ...how].join(', ');
  }
  if (xml.includes('type="error"')) {
    return `failure ${/ id="([\w-]+)"/.exec(xml)?.[1]} ${/<error[^>]*><([\w-]+)/.exec(xml)?.[1]}`;
  }
  const kind = /<(stored|unconfirmed|received) xmlns="[^"]+" id="([\w-]+)"/.exec(xml);
  return kind ? `${kind[1]} ${kind[2]}` : xml;
}

/**
 * Delivery on the store in memory, with a link that only shows what is written, and a clock that the test moves: no Redis, no
 * time that passes.
 */
export function openMemoryStage(options: Partial<DeliveryOptions> = {}) {
  let now = 1_795_000_000_000;
  const clock = { now: () => now, aheadOfWall: () => 0 };
  const ledger = new MemoryStore({ retry: RETRY, dedupWindow: 8 * DAY, undeliveredRetention: 30 * DAY, clock });
  const stage = stageOn({ ledger, close: () => {} }, options);
  const { receipts } = stage;

  /** A worker takes up what is due. */
  async function work(key: string, attempt: number, lease: number): Promise<void> {
    const taken = await receipts.pipeline.perform(claim(key, attempt, lease));
    if (taken.outcome === 'claimed' && taken.record.state === 'pending') {
      receipts.copies.redeliver(taken.record, taken.noStore, undefined, taken.target);
    } else if (taken.outcome === 'claimed') void receipts.endings.repeat(taken.record);
    else if (taken.outcome === 'overdue') {
      const ended = await receipts.pipeline.perform(expire(key, now));
      if (ended !== undefined) void receipts.endings.conclude(ended, ended.state as 'expired' | 'unconfirmed');
    } else if (taken.outcome === 'asks') receipts.pings.ask(taken.user, taken.resources);
  }

  return {
    ...stage,
    clock,
    passes(ms: number): void {
      now += ms;
    },
    /** The server gives the component these stanzas in one turn; what is written then, summed up. */
    async does(...stanzas: string[]): Promise<string[]> {
      return (await stage.given(...stanzas)).map(summary);
    },
    /** A sweep finds what is due, and jobs take it up; what is written then. */
    async sweeps(): Promise<string[]> {
      const { overdue } = await ledger.sweep(JOB_LEASE, 100);
      for (const { key, attempt } of overdue) await work(key, attempt, now + JOB_LEASE);
      return this.does();
    },
    /** Alice's client and bob's are subscribed to each other. */
    async befriends(): Promise<void> {
      await ledger.perform(subscriptionStep('subscribed', BOB, ALICE, now, 'a'));
      await ledger.perform(subscriptionStep('subscribed', ALICE, BOB, now, 'b'));
    },
    async stateOf(id: string): Promise<string | undefined> {
      return (await ledger.status([keyOf(id)]))[0]?.state;
    },
  };
}
