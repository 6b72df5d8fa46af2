import * as ledger from '../nemesis/ledger.ts';
import * as processes from '../nemesis/processes.ts';
import type { ProxyInstance } from '../proxy-instance.ts';
import type { Habit } from '../recipients.ts';
import { ONE_PROCESS, type Scenario } from '../scenario.ts';

/** Phones on a bad network, and one whose connection stays. */
const RESUMING: readonly Habit[] = ['resumes', 'resumes', 'resumes', 'first copy'];

export const PROCESS_SCENARIOS: readonly Scenario[] = [
  {
    name: 'proxy-killed',
    about: 'the proxy killed (SIGKILL) and started again, four times',
    ci: ['subdomain'],
    async run({ stage, nemesis, random, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      for (let i = 0; i < 4; i += 1) {
        await nemesis.inflict(processes.proxyKilled(proxy), random.between(0, 2000));
        await calm(random.between(500, 4000));
      }
    },
  },
  {
    name: 'proxy-frozen',
    about: 'the proxy stopped (SIGSTOP) for 1 to 12 s, three times',
    async run({ stage, nemesis, random, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      for (let i = 0; i < 3; i += 1) {
        await nemesis.inflict(processes.proxyFrozen(proxy), random.between(1000, 12_000));
        await calm(random.between(500, 4000));
      }
    },
  },
  {
    name: 'proxy-restarted',
    about: 'the proxy restarted in order (SIGTERM), three times',
    async run({ stage, nemesis, random, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      for (let i = 0; i < 3; i += 1) {
        await nemesis.inflict(processes.proxyTerminated(proxy), random.between(0, 2000));
        await calm(random.between(500, 4000));
      }
    },
  },
  {
    name: 'two-proxies-killed',
    about: 'two processes, one or the other killed, stopped or restarted, six times',
    processes: 2,
    transparent: { not: ONE_PROCESS },
    async run({ stage, nemesis, random, calm }) {
      const { proxyKilled, proxyFrozen, proxyTerminated } = processes;
      for (let i = 0; i < 6; i += 1) {
        const hurt = random.pick([proxyKilled, proxyKilled, proxyFrozen, proxyTerminated]);
        await nemesis.inflict(hurt(random.pick(stage.proxies)), random.between(0, 5000));
        await calm(random.between(300, 3000));
      }
    },
  },
  {
    name: 'server-frozen',
    about: 'the XMPP server stopped for 1 to 10 s, twice',
    ownServer: true,
    async run({ stage, nemesis, random, calm }) {
      for (const most of [4000, 10_000]) {
        await nemesis.inflict(processes.serverFrozen(stage), random.between(1000, most));
        await calm(4000);
      }
    },
  },
  {
    name: 'server-killed',
    about: 'the XMPP server killed and started again, twice',
    ownServer: true,
    async run({ stage, nemesis, random, calm }) {
      for (let i = 0; i < 2; i += 1) {
        await nemesis.inflict(processes.serverKilled(stage), random.between(0, 3000));
        await calm(6000);
      }
    },
  },
  {
    name: 'machine-restarted',
    about: 'server, Redis and proxy killed at once and started again in any order, twice',
    ownServer: true,
    replaces: true,
    async run({ stage, nemesis, random, calm }) {
      for (let i = 0; i < 2; i += 1) {
        await nemesis.inflict(processes.machineRestarted(stage, random), random.between(0, 2000));
        await calm(8000);
      }
    },
  },
  {
    name: 'sessions-resumed',
    about:
      'recipients’ connections reset and their sessions resumed (XEP-0198), again and again; the proxy is killed, then stopped',
    recipients: RESUMING,
    async run({ stage, nemesis, random, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      await calm(random.between(4000, 8000));
      await nemesis.inflict(processes.proxyKilled(proxy), random.between(0, 2000));
      await calm(random.between(8000, 12_000));
      await nemesis.inflict(processes.proxyFrozen(proxy), random.between(1000, 6000));
      await calm(random.between(8000, 12_000));
    },
  },
  {
    name: 'sessions-resumed-redis',
    about: 'the same; Redis is killed, then hangs for 6 to 9 s',
    recipients: RESUMING,
    replaces: true,
    async run({ stage, nemesis, random, calm }) {
      await calm(random.between(4000, 8000));
      await nemesis.inflict(ledger.serverGone(stage, random, 'killed'), random.between(0, 6000));
      await calm(random.between(8000, 12_000));
      await nemesis.inflict(ledger.serverGone(stage, random, 'hangs'), random.between(6000, 9000));
      await calm(random.between(8000, 12_000));
    },
  },
];
