// What the gate costs on a real Openfire, named by the E2E_ variables and OPENFIRE_HOME: chat with the product behind it and without,
// in turns. `--apart` gives both sides cores of their own, `--alone` measures the plugin with a stand-in for the product, `--rounds 3` how
// often, `--unix` has the product reach Redis by its Unix socket. Where Openfire's property plugin.receipts.measure was `true` when the
// plugin was loaded, it tells the CPU time that itself took.
import { Redis } from 'ioredis';
import { NO_OPENFIRE, OpenfireGate } from '../tests/support/gate/openfire-gate.ts';
import { openfireOf } from '../tests/support/gate/openfire-process.ts';
import { startRedis } from '../tests/support/servers/redis.ts';
import { readFlags } from '../tools/flags.ts';
import { compile, removeCompiled } from './compile.ts';
import { SeparateCores } from './cores.ts';
import { type GatePlan, gateGoals, gateReport, gateThrough } from './gate.ts';
import { gateAlone, pluginCpu } from './gate-alone.ts';
import { median } from './measure.ts';
import { openfirePairs } from './openfire-pairs.ts';
import { goalReport } from './report.ts';
import { killVariants } from './variant.ts';

const flags = readFlags('npm run measure:gate --', 'what the gate costs on a real Openfire', {
  alone: { type: 'boolean', default: false, about: 'the plugin with a stand-in for the component' },
  rounds: { type: 'string', default: '5', about: 'how often' },
  apart: {
    type: 'boolean',
    default: false,
    about: 'the server and its clients on half of the cores, component and Redis on the others (Linux)',
  },
  unix: { type: 'boolean', default: false, about: 'Redis by its Unix socket' },
  profile: { type: 'string', about: 'a folder for CPU profiles of the component' },
});
const PLAN: GatePlan = {
  rounds: Number(flags.rounds),
  limit: Number.POSITIVE_INFINITY,
  // The component's process is new in each turn: after 5,000 messages its compiler takes as long as all else.
  warmUp: 20_000,
  measured: 10_000,
  paced: 5000,
};
async function withProduct(stage: OpenfireGate): Promise<void> {
  const { OPENFIRE_HOME = '' } = process.env;
  const { componentPort, secret } = stage;
  const pid = openfireOf(OPENFIRE_HOME) ?? 0;
  const cores = flags.apart ? new SeparateCores() : undefined;
  const server = await startRedis();
  const redis = new Redis(server.url);
  const own = async () => {
    const component = await stage.hold();
    const taken = await pluginCpu(component);
    await stage.empty();
    return taken;
  };
  try {
    cores?.server(pid);
    cores?.beside(server.pid);
    await stage.clean();
    let before = await own();
    const plugin: number[] = [];
    const also = async (way: string, messages: number) => {
      const taken = await own();
      const each = (taken - before) / messages;
      before = taken;
      if (Number.isNaN(each)) return '';
      if (way === 'held') plugin.push(each);
      return `; the plugin itself ${each.toFixed(1)} us`;
    };
    const place = {
      folder: compile(),
      redisUrl: flags.unix ? server.socketUrl : server.url,
      profile: flags.profile,
      cores,
    };
    const gate = { componentPort, secret, pid, pairs: openfirePairs() };
    const rounds = await gateThrough(gate, place, redis, PLAN, console.log, also);
    console.log(gateReport(rounds));
    // The first was to warm up.
    console.log(goalReport(gateGoals(rounds, plugin.length > 1 ? median(plugin.slice(1)) : undefined)));
  } finally {
    cores?.end();
    killVariants();
    removeCompiled();
    redis.disconnect();
    await server.stop();
  }
}

if (NO_OPENFIRE !== undefined) console.log(`Not measured: ${NO_OPENFIRE}`);
else if (flags.alone) await gateAlone(new OpenfireGate());
else await withProduct(new OpenfireGate());
process.exit();
