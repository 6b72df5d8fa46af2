import { Capabilities } from '../../../src/iq/capabilities.ts';
import { IqService, type IqServiceOptions } from '../../../src/iq/iq-service.ts';
import type { IqCounts } from '../../../src/iq/request-relay.ts';
import { Requester } from '../../../src/iq/requester.ts';
import { IdSource } from '../../../src/xmpp/stanza/ids.ts';
import { opened } from '../process/opened.ts';
import { parseStanza } from '../stanzas/xml.ts';
import { openDeliveryStage } from './delivery-stage.ts';

const noCounts = (): IqCounts => ({
  queries: 0,
  queriesAnswered: 0,
  queriesTimedOut: 0,
  repliesLate: 0,
  repliesForged: 0,
  repliesUnknown: 0,
});

/** The queries room as one process has it, with a real ledger: IQ stanzas in, stanzas out. */
export function openIqStage(
  url: string,
  options: Partial<IqServiceOptions> = {},
  receipts: Parameters<typeof openDeliveryStage>[1] = {},
) {
  const room = openDeliveryStage(url, receipts);
  const counts = noCounts();
  const { addresses, pipeline } = room.receipts;
  const { timeLimit } = options;
  const requester = new Requester({
    link: room.link,
    addresses,
    ids: new IdSource(),
    ...(timeLimit !== undefined && { timeLimit }),
  });
  const queries = new IqService({
    requester,
    capabilities: new Capabilities({ requester, pipeline }),
    addresses,
    pipeline,
    refuser: room.receipts.passthrough,
    clock: room.receipts.clock,
    quotas: room.receipts.quotas,
    link: room.link,
    counts,
    maxStanzaBytes: 10_000,
    log: { warn: () => {} },
    ...options,
  });
  const router = room.route(queries);
  let closed = false;
  const close = () => {
    closed = true;
    noLongerOpen();
    queries.stop();
    room.close();
  };
  const noLongerOpen = opened('a query room', close);
  const written = () => room.link.take().map(({ xml }) => xml);
  return {
    redis: room.redis,
    ledger: room.ledger,
    room,
    queries,
    router,
    counts,
    written,
    /** The server gives the proxy these stanzas, in one turn; what the proxy then writes. */
    async given(...stanzas: string[]): Promise<string[]> {
      for (const stanza of stanzas) router.stanza(parseStanza(stanza));
      await room.receipts.pipeline.drained();
      return written();
    },
    /** The next thing that is written, if it takes its time. */
    async writes(): Promise<string> {
      while (!closed) {
        const [xml] = written();
        if (xml !== undefined) return xml;
        await new Promise((resolve) => setImmediate(resolve));
      }
      throw new Error('The room was closed');
    },
    close,
  };
}

/** The id that a stanza was written with. */
export function idOf(xml: string | undefined): string {
  return /^<iq [^>]*\bid="([^"]+)"/.exec(xml ?? '')?.[1] ?? '';
}
