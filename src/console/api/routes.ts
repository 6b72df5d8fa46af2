import { type Context, Hono } from 'hono';
import { stream } from 'hono/streaming';
import { parseUser } from '../../commands/user-names.ts';
import { OperationError } from '../../store/contract.ts';
import { RequestError } from '../../xmpp/stanza/request-error.ts';
import { exported } from '../model/dead-letters.ts';
import type { ConsolePorts } from '../ports.ts';
import { ASKED } from '../schemas.ts';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';
import { openApi } from './openapi.ts';

/** A body is a list of keys at most. */
const MOST_BYTES = 65_536;

/** What is asked for is none; answered with 400. */
class BadRequest extends Error {}

/** In words for who asked; undefined of an error that is none of his. */
export function complaintOf(error: unknown): string | undefined {
  if (error instanceof BadRequest) return error.message;
  return error instanceof RequestError ? error.message : undefined;
}

/** The API below /api. */
export function apiRoutes(ports: ConsolePorts): Hono {
  const api = new Hono();
  const described = openApi(ports.about.version);
  api.get('/openapi.json', (c) => c.json(described));
  api.get('/dead-letters.jsonl', (c) => {
    const { of } = read(ASKED.deadLetters, c.req.query()) as { of?: string };
    return exportLetters(c, ports, of === undefined ? undefined : parseUser(ports.addresses, of));
  });
  for (const endpoint of ENDPOINTS) {
    const path = endpoint.path.replace(/\{(\w+)\}/g, ':$1');
    api.on(endpoint.method.toUpperCase(), path, async (c) => {
      const input = read(endpoint.input, await inputOf(c, endpoint));
      const output = await endpoint.handle(ports, input as never);
      return output === undefined ? c.json({ error: 'There is no such thing' }, 404) : c.json(output);
    });
  }
  api.notFound((c) => c.json({ error: 'There is no such thing' }, 404));
  api.onError((error, c) => {
    const complaint = complaintOf(error);
    if (complaint !== undefined) return c.json({ error: complaint }, 400);
    if (error instanceof OperationError) throw error;
    ports.context.log.warn({ err: error, path: c.req.path }, 'The console could not be answered');
    return c.json({ error: 'Redis does not answer' }, 503);
  });
  return api;
}

/** Streamed, since there may be a million. */
export function exportLetters(c: Context, ports: ConsolePorts, user: string | undefined): Response {
  c.header('content-type', 'application/jsonl; charset=utf-8');
  c.header('content-disposition', 'attachment; filename="dead-letters.jsonl"');
  return stream(c, async (out) => {
    for await (const line of exported(ports, user)) await out.write(line);
  });
}

async function inputOf(c: Context, { method }: Endpoint): Promise<unknown> {
  const parts = c.req.param() as Record<string, string>;
  if (method === 'get') return { ...c.req.query(), ...parts };
  // A page of another site can send no JSON without asking first, which nobody allows it.
  if (!/^application\/json\b/.test(c.req.header('content-type') ?? ''))
    throw new BadRequest('The body must be application/json');
  if (Number(c.req.header('content-length') ?? 0) > MOST_BYTES) throw new BadRequest('The body is too large');
  const text = await c.req.text();
  if (text.length > MOST_BYTES) throw new BadRequest('The body is too large');
  try {
    return { ...(JSON.parse(text) as object), ...parts };
  } catch {
    throw new BadRequest('The body is no JSON');
  }
}

function read(type: Endpoint['input'], given: unknown): unknown {
  const result = type.safeParse(given);
  if (result.success) return result.data;
  throw new BadRequest(result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}
