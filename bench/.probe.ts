import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis } from '../tests/support/redis.ts';
import { compile, removeCompiled } from './compile.ts';
import { Variant, killVariants } from './variant.ts';
import { tidyRedis } from './measure.ts';
import { fillForProbe } from './.pending-copy.ts';
const s = await startRedis(); const r0 = new Redis(s.url); const r1 = new Redis(s.url + '/1');
const folder = compile();
const cpu = async () => { const i = await r0.info('cpu'); return ['used_cpu_user', 'used_cpu_sys'].map((n) => 1e6 * Number(i.match(new RegExp(`^${n}:(.*?)\\r?$`, 'm'))![1])); };
await fillForProbe(r1, 1_000_000); await tidyRedis(r0);
for (const db of [0, 1, 0, 1, 1, 0]) {
  const v = await Variant.start('c', { folder, redisUrl: `${s.url}/${db}` }); const { peer } = v;
  peer.load(1000); while (peer.journal.sent < 30000) await sleep(10); await peer.drain(); await sleep(1500);
  await r0.config('RESETSTAT'); const u0 = await v.usage(); const c0 = await cpu(); const t = performance.now(); await peer.pile(40000, 1000); const dt = performance.now() - t; const c1 = await cpu(); const u1 = await v.usage();
  const info = await r0.info('commandstats'); const st = [...info.matchAll(/cmdstat_(zadd|setnx|evalsha|zrem|getrange|setrange|exists):calls=(\d+),usec=(\d+)/g)].map((m) => `${m[1]} ${(Number(m[2]) / 40000).toFixed(2)}x ${(Number(m[3]) / Number(m[2])).toFixed(2)}us`).join(', ');
  console.log(`db${db} ${Math.round(40000 / dt * 1000)}/s own ${((u1.cpu - u0.cpu) / 40000).toFixed(1)} redis user ${((c1[0]! - c0[0]!) / 40000).toFixed(1)} sys ${((c1[1]! - c0[1]!) / 40000).toFixed(1)}; ${st}`);
  const lat = await r0.call('INFO', 'persistence') as string; console.log(lat.match(/aof_rewrite_in_progress:\d|aof_delayed_fsync:\d+|aof_pending_bio_fsync:\d+/g)?.join(' '));
  await peer.release(1000); await v.stop();
}
killVariants(); removeCompiled(); r0.disconnect(); r1.disconnect(); await s.stop();
