import { z } from 'zod';
import { ASKED, DeadLetter, Failure } from '../schemas.ts';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';

type Json = Record<string, unknown>;

/** Names and schemas of what is used in several places: z.toJSONSchema puts them into `$defs`. */
function schemaOf(type: z.ZodType, all: Json, io: 'input' | 'output'): Json {
  const { $schema, $defs, ...schema } = z.toJSONSchema(type, { io }) as Json;
  for (const [name, one] of Object.entries(($defs ?? {}) as Record<string, Json>)) all[name] = moved(without$id(one));
  const { id } = z.globalRegistry.get(type) ?? {};
  const own = moved(without$id(schema));
  if (id === undefined) return own as Json;
  all[id] = own;
  return { $ref: `#/components/schemas/${id}` };
}

const without$id = ({ $id, id, ...schema }: Json): Json => schema;

/** References as OpenAPI has them. */
function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      key === '$ref' && typeof one === 'string' ? one.replace('#/$defs/', '#/components/schemas/') : moved(one),
    ]),
  );
}

const json = (schema: Json) => ({ content: { 'application/json': { schema } } });

function parametersOf({ path, method, input }: Pick<Endpoint, 'path' | 'method' | 'input'>): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(input, { io: 'input' }) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).flatMap(([name, { description, ...schema }]) => {
    const inPath = path.includes(`{${name}}`);
    if (!inPath && method === 'post') return [];
    return [
      {
        name,
        in: inPath ? 'path' : 'query',
        required: inPath || required.includes(name),
        ...(description !== undefined && { description }),
        schema,
      },
    ];
  });
}

function operationOf(endpoint: Endpoint, schemas: Json): Json {
  const { method, name, about, input, output } = endpoint;
  const parameters = parametersOf(endpoint);
  const failed = (description: string) => ({ description, ...json(schemaOf(Failure, schemas, 'output')) });
  return {
    operationId: name,
    summary: about,
    ...(parameters.length > 0 && { parameters }),
    ...(method === 'post' && { requestBody: { required: true, ...json(schemaOf(input, schemas, 'input')) } }),
    responses: {
      200: { description: 'Done', ...json(schemaOf(output, schemas, 'output')) },
      400: failed('What was asked for is none'),
      401: { description: 'Name or password is missing or wrong' },
      404: failed('There is no such thing'),
      429: { description: 'Too many wrong passwords' },
      503: failed('Redis does not answer'),
    },
  };
}

/** The description of the API (OpenAPI 3.1), made from the schemas that its answers are tested against. */
export function openApi(version: string): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const endpoint of ENDPOINTS) {
    const path = `/api${endpoint.path}`;
    paths[path] = { ...paths[path], [endpoint.method]: operationOf(endpoint, schemas) };
  }
  paths['/api/dead-letters.jsonl'] = {
    get: {
      operationId: 'exportDeadLetters',
      summary: 'All dead letters, one JSON object a line.',
      parameters: parametersOf({
        path: '/dead-letters.jsonl',
        method: 'get',
        input: ASKED.deadLetters.omit({ limit: true }),
      }),
      responses: {
        200: {
          description: 'One a line',
          content: { 'application/jsonl': { schema: schemaOf(DeadLetter, schemas, 'output') } },
        },
        401: { description: 'Name or password is missing or wrong' },
      },
    },
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'openfire-receipts',
      version,
      description: 'What the console shows. Times are UTC. Changes are POST requests with a body in JSON.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ basic: [] }],
    paths,
    components: { schemas, securitySchemes: { basic: { type: 'http', scheme: 'basic' } } },
  };
}
