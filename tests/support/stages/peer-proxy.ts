import type { Element } from '@xmpp/xml';
import { ReceiptsProxy, type Tuning } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { createLog } from '../../../src/util/log.ts';
import { ComponentPeer } from '../peer/component-peer.ts';
import { until } from '../time/until.ts';
import { QUICK } from './world.ts';

const COMPONENT = 'receipts.example.org';

interface Answer {
  readonly ready: boolean;
  readonly problems: string[];
  readonly warnings: string[];
  readonly parts: Record<string, { ok: boolean; problem?: string; since?: string }>;
}

/** A whole proxy on a server that is only a scripted peer: for what lies between the proxy and Redis. */
export class PeerProxy {
  /** What was logged. */
  lines: Record<string, unknown>[] = [];
  #ids = 0;

  private constructor(
    readonly peer: ComponentPeer,
    readonly proxy: ReceiptsProxy,
  ) {}

  static async start(redisUrl: string, settings: Record<string, string> = {}, tuning: Tuning = {}): Promise<PeerProxy> {
    const peer = await ComponentPeer.listen();
    const config = loadConfig({
      XMPP_SERVICE: peer.service,
      XMPP_COMPONENT_DOMAIN: COMPONENT,
      XMPP_COMPONENT_SECRET: peer.secret,
      REDIS_URL: redisUrl,
      HTTP_PORT: '0',
      LOG_LEVEL: 'silent',
      ...QUICK,
      ...settings,
    });
    const lines: Record<string, unknown>[] = [];
    const destination = { write: (line: string) => lines.push(JSON.parse(line)) } as unknown as NodeJS.WritableStream;
    const log = createLog(config.logLevel, { pretty: false, destination });
    const link = { pingInterval: 100, backoffMin: 50, backoffMax: 200 };
    const storage = { probeEvery: 200, ...tuning.health?.storage };
    const proxy = new ReceiptsProxy(config, log, {
      sweepEvery: 200,
      ...tuning,
      link: { ...link, ...tuning.link },
      health: { ...tuning.health, storage },
    });
    const it = new PeerProxy(peer, proxy);
    it.lines = lines;
    try {
      await proxy.start();
    } catch (error) {
      await it.close();
      throw error;
    }
    return it;
  }

  async readyz(): Promise<Answer & { status: number }> {
    const response = await fetch(`${this.proxy.url}/readyz`);
    return { status: response.status, ...((await response.json()) as Answer) };
  }

  async metric(name: string): Promise<number | undefined> {
    const text = await (await fetch(`${this.proxy.url}/metrics`)).text();
    const value = new RegExp(`^openfire_receipts_${name} (.*)$`, 'm').exec(text)?.[1];
    return value === undefined ? undefined : Number(value);
  }

  /** Resolves when it is ready. */
  async ready(): Promise<void> {
    let last: unknown;
    const isReady = async () => {
      last = await this.readyz();
      return (last as Answer).ready;
    };
    await until(isReady, { what: 'readiness' }).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(last)}`);
    });
  }

  /** Resolves when it is not, for this reason. */
  async unready(said: RegExp): Promise<Answer> {
    let last: (Answer & { status: number }) | undefined;
    const says = async () => {
      last = await this.readyz();
      return last.status === 503 && last.problems.some((problem) => said.test(problem));
    };
    await until(says, { what: `${said}` }).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(last)}`);
    });
    return last as Answer;
  }

  /** Alice writes to bob; resolves with the id when she has her acknowledgement. She sends it again until then. */
  async acknowledged(text: string): Promise<string> {
    this.#ids += 1;
    const id = `m-${this.#ids}`;
    let there = false;
    const seen = (stanza: Element) => {
      if (stanza.getChild('stored')?.attrs.id === id) there = true;
    };
    this.peer.on('stanza', seen);
    let sentAt = 0;
    await until(
      () => {
        if (!there && Date.now() - sentAt > 1000) {
          sentAt = Date.now();
          this.peer.current.write(
            `<message from="alice@example.org/phone" to="bob@${COMPONENT}" type="chat" id="${id}"><body>${text}</body><request xmlns="urn:xmpp:receipts"/></message>`,
          );
        }
        return there;
      },
      { what: `the acknowledgement of ${text}` },
    );
    this.peer.off('stanza', seen);
    return id;
  }

  /** Bob's client confirms; resolves when alice has the receipt. */
  async confirmed(id: string): Promise<void> {
    const told = new Promise<void>((resolve) => {
      this.peer.on('stanza', (stanza) => {
        const { from, to } = stanza.attrs;
        const isHers = to === 'alice@example.org/phone' && from?.startsWith(`bob@${COMPONENT}`);
        if (isHers && stanza.getChild('received')?.attrs.id === id) resolve();
      });
    });
    this.peer.current.write(
      `<message from="bob@example.org/home" to="alice@${COMPONENT}" type="chat"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`,
    );
    await told;
  }

  /** How often bob was sent this text. */
  copies(text: string): number {
    return this.peer.bodies.filter((body) => body === text).length;
  }

  async close(): Promise<void> {
    await this.proxy.stop(2000);
    await this.peer.close();
  }
}
