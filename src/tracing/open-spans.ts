import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { MessageTrace } from '../util/message-trace.ts';
import { IdSequence } from './id-sequence.ts';
import { MessageSpans } from './message-spans.ts';

export interface SpansOptions {
  /** Whether the spans have JIDs; digests of them otherwise. */
  readonly addresses: boolean;
  /** See MessageSpansOptions. */
  readonly secret: string;
  readonly version: string;
  readonly log: { warn(fields: object, message: string): void };
}

/** What the app does with spans. */
export interface Spans {
  readonly trace: NonNullable<MessageTrace>;
  /** Ends and exports those that are open. */
  close(): Promise<void>;
}

/** Says once that spans are not taken, until they are again. */
function reporting(exporter: SpanExporter, log: SpansOptions['log']): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== 0;
        if (failed && !isFailing) log.warn({ err: result.error }, 'Spans of messages are not exported (TRACE_SPANS)');
        isFailing = failed;
        // The processor would only say the same, to nobody.
        done({ code: 0 });
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

/**
 * Opens the export of spans by OTLP over HTTP. Where to, how many and with what is in the variables of the SDK (OTEL_...).
 * This module alone loads the SDK, and is loaded only with TRACE_SPANS.
 */
export function openSpans({ addresses, secret, version, log }: SpansOptions): Spans {
  const ids = new IdSequence();
  const own = resourceFromAttributes({ 'service.name': 'openfire-receipts', 'service.version': version });
  const provider = new BasicTracerProvider({
    idGenerator: ids,
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(reporting(new OTLPTraceExporter(), log))],
  });
  const spans = new MessageSpans({
    tracer: provider.getTracer('openfire-receipts', version),
    ids,
    secret,
    addresses,
  });
  return {
    trace: spans.trace,
    async close() {
      spans.close();
      await provider.shutdown().catch(() => {});
    },
  };
}
