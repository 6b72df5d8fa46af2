import type { Element } from '@xmpp/xml';
import { knownCapabilities, recordCapabilities, type StoreQueue } from '../store/contract.ts';
import { ownCopy } from '../util/octets.ts';
import { type Caps, capsProvedBy, hasFeature, isVerifiable, isVerified } from '../xmpp/stanza/entity-capabilities.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { attribute } from '../xmpp/stanza/xml.ts';
import type { Requester } from './requester.ts';

/** Whether a client supports receipts (XEP-0184): it does, it does not, or nobody knows. */
export type Support = 'y' | 'n' | 'u';

export interface CapabilitiesOptions {
  readonly requester: Requester;
  readonly pipeline: StoreQueue;
}

/** A digest stands for the same answer for ever; what nobody has used for so long need not be kept, ms: 90 days. */
const KEPT_FOR = 90 * 24 * 3600 * 1000;
/**
 * The same, ms, for what nobody here had asked: another process did, and looks for it; or a client sends answers to
 * fill our memory.
 */
const UNREQUESTED_FOR = 3600_000;
const MAX_CACHED = 10_000;

interface Answer {
  readonly support: Support;
  /** Whether it counts for all clients of these capabilities. */
  readonly verified: boolean;
}

/** What clients can do, by what their presence says (XEP-0115). */
export class Capabilities {
  readonly #options: CapabilitiesOptions;
  readonly #known = new Map<string, Support>();
  /** Questions that are under way, by hash and ver: one at a time. */
  readonly #inProgress = new Map<string, Promise<Answer>>();

  constructor(options: CapabilitiesOptions) {
    this.#options = options;
  }

  /**
   * Whether this client returns receipts. Never rejects; takes as long as the client to answer, when it must be asked.
   *
   * @param caps from its presence; a client that says nothing there is asked for itself alone
   * @param full its served full JID
   */
  async receipts(caps: Caps | undefined, full: string): Promise<Support> {
    if (caps === undefined || !isVerifiable(caps)) return (await this.#ask(caps, full)).support;
    const name = `${caps.hash}:${caps.ver}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const running = this.#inProgress.get(name);
    if (running !== undefined) {
      const { support, verified } = await running;
      // What another client said and could not prove says nothing of this one.
      return verified ? support : (await this.#ask(caps, full)).support;
    }
    const learning = this.#learn(caps, full, name).finally(() => this.#inProgress.delete(name));
    this.#inProgress.set(name, learning);
    return (await learning).support;
  }

  /** Redis has lost what it knew: what is known from there counts no more. */
  forgetCached(): void {
    this.#known.clear();
  }

  async #learn(caps: Caps, full: string, name: string): Promise<Answer> {
    const { pipeline } = this.#options;
    const hash = caps.hash as string;
    const look = () => pipeline.perform(knownCapabilities(hash, caps.ver)).catch(() => undefined);
    let known = await look();
    if (known === undefined) {
      const answer = await this.#ask(caps, full);
      // The answer may have come to another process.
      if (answer.support === 'u') known = await look();
      if (known === undefined) {
        if (answer.verified) this.#remember(name, answer.support);
        return answer;
      }
    }
    this.#remember(name, known);
    return { support: known, verified: true };
  }

  /** Takes an answer that nobody here waits for, or not any more: another process may. */
  learnFrom(element: Element): void {
    const query = element.attrs.type === 'result' ? element.getChild('query', NS.discoInfo) : undefined;
    const caps = query && capsProvedBy(query);
    if (query && caps) this.#note(caps, supportOf(query), UNREQUESTED_FOR);
  }

  async #ask(caps: Caps | undefined, full: string): Promise<Answer> {
    // XEP-0115 section 6.2: the node of a question about capabilities.
    const node = caps === undefined ? undefined : `${caps.node}#${caps.ver}`;
    let result: Element;
    try {
      result = await this.#options.requester.request(
        full,
        `<query xmlns="${NS.discoInfo}"${attribute('node', node)}/>`,
      );
    } catch {
      return { support: 'u', verified: false };
    }
    const query = result.getChild('query', NS.discoInfo);
    if (query === undefined) return { support: 'u', verified: false };
    const support = supportOf(query);
    const verified = caps !== undefined && isVerified(query, caps);
    if (verified) this.#note(caps, support, KEPT_FOR);
    return { support, verified };
  }

  /** Tells the other processes. Should Redis be away, this one knows all the same. */
  #note({ hash, ver }: Caps, support: 'y' | 'n', keep: number): void {
    const request = recordCapabilities(hash as string, ver, support, keep);
    this.#options.pipeline.push({ request, done: () => {}, refuse: () => {} });
  }

  #remember(name: string, support: Support): void {
    if (this.#known.size >= MAX_CACHED) this.#known.clear();
    this.#known.set(ownCopy(name), support);
  }
}

function supportOf(query: Element): 'y' | 'n' {
  return hasFeature(query, NS.receipts) ? 'y' : 'n';
}
