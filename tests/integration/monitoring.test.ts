// What monitoring/ has, against the /metrics of a running process.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { DEFINITIONS, type Definition, PREFIX } from '../../src/metrics/definitions.ts';
import { VERSION } from '../../src/version.ts';
import { findProgram } from '../support/process/temporary-server.ts';
import { type RedisServer, startRedis } from '../support/servers/redis.ts';
import { PeerProxy } from '../support/stages/peer-proxy.ts';
import { until } from '../support/time/until.ts';

const root = new URL('../../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');
const { parse: parseYaml } = createRequire(new URL('node_modules/knip/package.json', root))('yaml') as {
  parse(text: string): unknown;
};

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
const rules = (parseYaml(read('monitoring/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
interface Panel {
  readonly title: string;
  readonly targets: { readonly expr: string }[];
}
const { panels } = JSON.parse(read('monitoring/grafana.json')) as { panels: Panel[] };
const QUERIES: [string, string][] = [
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr }): [string, string] => [`panel ${title}`, expr])),
  ...rules.map(({ alert, expr }): [string, string] => [`alert ${alert}`, expr]),
];

/** The names in a query; neither functions nor labels begin so. */
const metricsIn = (expr: string) => expr.match(/\b(?:openfire_receipts|process|nodejs)_\w+/g) ?? [];

let redis: RedisServer;
let it: PeerProxy;
let page = '';
beforeAll(async () => {
  redis = await startRedis({ settings: { maxmemory: '1gb' } });
  it = await PeerProxy.start(redis.url);
  page = await (await fetch(new URL('/metrics', it.proxy.url))).text();
});
afterAll(async () => {
  await it?.close();
  await redis?.stop();
});

test.each(QUERIES)('%s asks for metrics that the process has: %s', (_, expr) => {
  const names = metricsIn(expr);
  expect(names).not.toEqual([]);
  for (const name of names) expect(page).toContain(`# TYPE ${name.replace(/_bucket$/, '')} `);
  for (const [, labels] of expr.matchAll(/ by \((\w+)\)/g)) {
    if (labels === 'le' || labels === 'instance') continue;
    const definition: Definition = DEFINITIONS[names[0]?.slice(PREFIX.length) as keyof typeof DEFINITIONS];
    expect(definition.labels).toContain(labels);
  }
});

test('the version is on the page', () => {
  expect(page).toContain(`openfire_receipts_build_info{version="${VERSION}",node="${process.versions.node}"} 1`);
});

test('so is the memory of a Redis that has a limit', async () => {
  const ratio = async () => {
    const text = await (await fetch(new URL('/metrics', it.proxy.url))).text();
    return Number(/^openfire_receipts_redis_memory_used_ratio (\S+)$/m.exec(text)?.[1] ?? Number.NaN);
  };
  await until(async () => (await ratio()) > 0, { what: 'the figure' });
  expect(await ratio()).toBeLessThan(1);
});

test('each alert has a line in the runbook', () => {
  const lines = [...read('docs/operations.md').matchAll(/^\| `(Receipts\w+)` \| .+ \| .+ \|$/gm)].map(
    ([, name]) => name,
  );
  expect(lines).toEqual(rules.map(({ alert }) => alert));
});

const program = 'promtool';
const missing = findProgram(program) === undefined;
if (missing) console.info('Skipped in part: there is no promtool here (apt: prometheus)');
(missing ? test.skip : test)('promtool takes the rules, and each fires when it should and not when all is well', () => {
  const folder = path.join(root.pathname, 'monitoring');
  for (const args of [
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ]) {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
    expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
  }
  const tested = (parseYaml(read('monitoring/alerts.test.yml')) as { tests: { name: string }[] }).tests;
  expect(tested.map(({ name }) => name)).toEqual([...rules.map(({ alert }) => alert), 'all is well']);
});
