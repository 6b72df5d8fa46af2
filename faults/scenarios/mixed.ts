import * as ledger from '../nemesis/ledger.ts';
import * as link from '../nemesis/link.ts';
import * as processes from '../nemesis/processes.ts';
import type { Fault } from '../nemesis.ts';
import { ONE_PROCESS, type Scenario, type Scene } from '../scenario.ts';

/** Any fault, and how long it may last, ms. Never two at a time that undo each other. */
function anyFault({ stage, random }: Scene): [Fault, number] {
  const proxy = random.pick(stage.proxies);
  const choice: [Fault, number][] = [
    ...ledger.anyOf(stage, random),
    [link.reset(proxy), 0],
    [link.refused(proxy), 3000],
    [link.holed(proxy, random.pick(['in', 'out'] as const)), 4000],
    [link.cut(proxy, random.pick(['in', 'out'] as const), random.pick(['stanza', 'character'] as const)), 1000],
    [processes.proxyKilled(proxy), 2000],
    [processes.proxyFrozen(proxy), 6000],
    [processes.proxyTerminated(proxy), 1000],
  ];
  return random.pick(choice);
}

async function oneAfterTheOther(scene: Scene, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const [fault, most] = anyFault(scene);
    await scene.nemesis.inflict(fault, scene.random.between(0, most));
    await scene.calm(scene.random.between(200, 2500));
  }
}

export const MIXED_SCENARIOS: readonly Scenario[] = [
  {
    name: 'mixed',
    about: 'eight faults of any kind, one after the other',
    replaces: true,
    run: (scene) => oneAfterTheOther(scene, 8),
  },
  {
    name: 'mixed-two',
    about: 'the same with two processes',
    processes: 2,
    replaces: true,
    transparent: { not: ONE_PROCESS },
    run: (scene) => oneAfterTheOther(scene, 8),
  },
];
