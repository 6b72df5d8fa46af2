import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Fault } from '../nemesis.ts';
import type { ProxyInstance } from '../proxy-instance.ts';
import type { Random } from '../random.ts';
import type { Stage } from '../stage.ts';

/** SIGKILL; started again. */
export function proxyKilled(proxy: ProxyInstance): Fault {
  const { domain: process } = proxy;
  const end = () => proxy.start();
  return { name: 'the proxy is killed', process, blocks: 'process', begin: () => proxy.kill(), end };
}

/** SIGTERM; started again. */
export function proxyTerminated(proxy: ProxyInstance): Fault {
  const { domain: process } = proxy;
  const end = () => proxy.start();
  return { name: 'the proxy is restarted', process, blocks: 'process', begin: () => proxy.terminate(), end };
}

/** SIGSTOP, SIGCONT. */
export function proxyFrozen(proxy: ProxyInstance): Fault {
  const { domain: process } = proxy;
  return {
    name: 'the proxy is stopped',
    process,
    blocks: 'process',
    begin: () => proxy.freeze(),
    end: () => proxy.thaw(),
  };
}

/** SIGSTOP, SIGCONT. What a client wrote meanwhile waits in its socket. */
export function serverFrozen({ world: { xmpp } }: Stage): Fault {
  return {
    name: 'the server is stopped',
    blocks: 'link',
    losesNews: true,
    begin: () => xmpp.prosody?.freeze(),
    end: () => xmpp.prosody?.thaw(),
  };
}

/** SIGKILL; started again. What it had for clients is lost. */
export function serverKilled({ world: { xmpp } }: Stage): Fault {
  return {
    name: 'the server is killed',
    blocks: 'link',
    losesNews: true,
    begin: () => xmpp.prosody?.kill(),
    end: () => xmpp.prosody?.restart(),
  };
}

/** ms until the last of them is started, at most. */
const STARTED_WITHIN = 9000;

/**
 * All that runs on the machine is killed at once, and started again in a random order with some time in between: the proxy may find
 * neither Redis nor the server.
 */
export function machineRestarted({ world: { xmpp, redis }, proxies, group }: Stage, random: Random): Fault {
  const servers = group?.servers ?? [redis];
  return {
    name: 'the machine is restarted',
    blocks: 'link',
    losesNews: true,
    // A replica that is started before its primary may take its place.
    ...(group !== undefined && { forgets: 'endings' }),
    begin: async () => {
      await Promise.all([
        ...servers.map((server) => server.kill()),
        xmpp.prosody?.kill(),
        ...proxies.map((proxy) => proxy.kill()),
      ]);
    },
    end: async () => {
      const begin = [
        ...servers.map((server) => () => server.restart()),
        () => xmpp.prosody?.restart(),
        ...proxies.map((proxy) => () => proxy.start()),
      ];
      const up: unknown[] = [];
      for (const one of random.shuffle(begin)) {
        up.push(one());
        await sleep(random.between(0, STARTED_WITHIN / begin.length));
      }
      await Promise.all(up);
      await group?.whole();
    },
  };
}

/** ms; a process has seen the step by then. */
const NOTICED = 2500;

/** A wall clock is stepped, and back. */
export function stepped(clocks: readonly Clock[], offset: string, whose: string): Fault {
  const step = async (to: string) => {
    await Promise.all(clocks.map((clock) => clock.step(to)));
    await sleep(NOTICED);
  };
  return { name: `${whose} clock is stepped by ${offset}`, begin: () => step(offset), end: () => step('+0') };
}
