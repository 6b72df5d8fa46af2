import * as gate from '../nemesis/gate.ts';
import { proxyFrozen } from '../nemesis/processes.ts';
import type { ProxyInstance } from '../proxy-instance.ts';
import type { Scenario } from '../scenario.ts';

/** Those that need a gate: MODE=transparent. */
export const GATE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'gate-unloaded',
    about: 'the server’s module unloaded for 1 to 6 s, three times',
    transparent: 'only',
    ownServer: true,
    async run({ stage, nemesis, random, calm }) {
      for (let i = 0; i < 3; i += 1) {
        await nemesis.inflict(gate.unloaded(stage), random.between(1000, 6000));
        await calm(random.between(6000, 9000));
      }
    },
  },
  {
    name: 'gate-reloaded',
    about: 'the server’s module reloaded, four times',
    transparent: 'only',
    ci: ['transparent'],
    ownServer: true,
    async run({ stage, nemesis, random, calm }) {
      for (let i = 0; i < 4; i += 1) {
        await nemesis.inflict(gate.reloaded(stage));
        await calm(random.between(500, 8000));
      }
    },
  },
  {
    name: 'gate-unheard',
    about: 'what the component says to the gate held back for 2 to 4 s, then for 10 to 14 s, so that the lease is lost',
    transparent: 'only',
    async run({ stage, nemesis, random, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      await nemesis.inflict(gate.unheard(proxy), random.between(2000, 4000));
      await calm(random.between(6000, 9000));
      await nemesis.inflict(gate.unheard(proxy), random.between(10_000, 14_000));
      await calm(random.between(6000, 9000));
    },
  },
  {
    name: 'gate-opened',
    about: 'the proxy stopped for 2 to 5 s, six times, so that the gate opens or nearly does',
    transparent: 'only',
    async run({ stage, nemesis, random, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      for (let i = 0; i < 6; i += 1) {
        await nemesis.inflict(proxyFrozen(proxy), random.between(2000, 5000));
        await calm(random.between(500, 7000));
      }
    },
  },
];
