import type { Clock } from '../clock.ts';
import { proxyKilled, stepped } from '../nemesis/processes.ts';
import type { ProxyInstance } from '../proxy-instance.ts';
import { ONE_PROCESS, type Scenario } from '../scenario.ts';

export const CLOCK_SCENARIOS: readonly Scenario[] = [
  {
    name: 'clock-forward',
    about: 'every clock set forward by a day for 6 s, and back',
    clocks: true,
    redis: 'one',
    ci: ['subdomain'],
    losesJobs: false,
    async run({ stage, nemesis, calm }) {
      await calm(2000);
      await nemesis.inflict(stepped(stage.clocks, '+1d', 'every'), 6000);
      await calm(5000);
    },
  },
  {
    name: 'clock-back',
    about: 'the proxy’s clock set back by an hour for 15 s, then Redis’',
    clocks: true,
    redis: 'one',
    losesJobs: false,
    async run({ stage, nemesis, calm }) {
      const [ofRedis, ofProxy] = stage.clocks as [Clock, Clock];
      await calm(2000);
      await nemesis.inflict(stepped([ofProxy], '-1h', 'the proxy’s'), 15_000);
      await calm(4000);
      await nemesis.inflict(stepped([ofRedis], '-1h', 'Redis’'), 15_000);
    },
  },
  {
    name: 'clocks-apart',
    about: 'two processes, one an hour ahead, which is killed and comes back with the right time',
    clocks: true,
    processes: 2,
    transparent: { not: ONE_PROCESS },
    async run({ stage, nemesis, calm }) {
      const [, , ofSecond] = stage.clocks as [Clock, Clock, Clock];
      const [, second] = stage.proxies as [ProxyInstance, ProxyInstance];
      const ahead = nemesis.inflict(stepped([ofSecond], '+1h', 'the second process’'), 12_000);
      await calm(8000);
      await nemesis.inflict(proxyKilled(second), 6000);
      await ahead;
      await calm(3000);
    },
  },
];
