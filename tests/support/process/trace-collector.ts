import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { opened } from './opened.ts';

/** A span as OTLP writes it in JSON, as far as a test looks at it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly events?: readonly { readonly name: string }[];
}

/** An HTTP server that takes spans by OTLP (JSON). */
export async function startTraceCollector() {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    bodies.push(body);
    for (const { scopeSpans } of JSON.parse(body).resourceSpans) {
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const closed = opened('a collector of spans', close);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Of all requests, in the order of their arrival. */
    spans,
    /** All that it was sent. */
    received: () => bodies.join('\n'),
    close: async () => {
      closed();
      await close();
    },
  };
}
