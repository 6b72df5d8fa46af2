import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../tests/support/time/until.ts';
import type { Person } from './people.ts';

/** ms; how long the server keeps a session that may be resumed (XEP-0198 section 5): our own, or one that the environment names. */
export const RESUME_WINDOW = Number(process.env.E2E_RESUME_WINDOW ?? 5000);

/** Two people and what is between them, for one cell of the table. */
export interface Scene {
  readonly alice: Person;
  bob: Person;
  /** Texts of the messages to be sent. */
  readonly texts: readonly string[];
  /**
   * Has alice write messages, from the first to before the last of these shares of all.
   *
   * @param pause ms between two
   */
  says(from: number, to: number, pause?: number): Promise<void>;
  /** Resolves when those up to this share have been taken: by the proxy, or by the server where there is none. */
  taken(to: number): Promise<void>;
  /**
   * Kills the server and starts it again; resolves when the proxy, if there is one, is linked to it.
   *
   * @param killed called when it is killed
   */
  restartServer(killed: () => void): Promise<void>;
  /** Kills the proxy and starts it again; undefined where there is none. */
  readonly killProxy: (() => Promise<void>) | undefined;
  /** Kills Redis; undefined where there is no proxy. */
  readonly stopRedis: (() => Promise<void>) | undefined;
  /** Starts it again; resolves when the proxy, if it runs in this process, takes messages. */
  startRedis(): Promise<void>;
  readonly streamManagement: boolean;
}

export interface Row {
  readonly name: string;
  /** What happens, in words for the table's legend. */
  readonly how: string;
  /** What it needs of the server: that we may kill and start it, or that we know how long it keeps sessions. */
  readonly needs?: 'restart' | 'window';
  /** Whether it is a fault of the proxy's, or of its Redis. */
  readonly ofProxy?: boolean;
  /** Whether it needs the proxy in a process of its own. */
  readonly ownProcess?: boolean;
  readonly act: (scene: Scene) => Promise<void>;
}

/** Bob's network passes nothing on, and is reset when all has been written to it; he may come back when he likes. */
async function awayInTheMiddle(scene: Scene, meanwhile: () => Promise<void>): Promise<void> {
  const { relay } = scene.bob;
  relay.freeze();
  await scene.says(0, 0.5);
  await scene.taken(0.5);
  relay.refuses = true;
  relay.reset();
  // Nobody is told when the server has noticed.
  await sleep(100);
  await scene.says(0.5, 1);
  await scene.taken(1);
  await meanwhile();
  relay.refuses = false;
}

export const ROWS: readonly Row[] = [
  {
    name: 'recipient frozen, then reset',
    how: 'his network passes nothing on while all are sent, then his connection is reset',
    act: async (scene) => {
      scene.bob.relay.freeze();
      await scene.says(0, 1);
      await scene.taken(1);
      scene.bob.relay.reset();
    },
  },
  {
    name: 'recipient’s TCP reset',
    how: 'while messages arrive, when he has seen a quarter',
    act: async (scene) => {
      const saying = scene.says(0, 1, 1);
      const quarter = scene.texts[Math.floor(scene.texts.length / 4)] as string;
      await until(() => scene.bob.seen.includes(quarter), { what: 'a quarter of the messages' });
      scene.bob.relay.reset();
      await saying;
    },
  },
  {
    name: 'recipient away, resumes in time',
    how: 'frozen for the first half, reset, away for the second, back within the time for a resumption',
    act: (scene) => awayInTheMiddle(scene, async () => {}),
  },
  {
    name: 'recipient away, resumes too late',
    how: 'the same, back when that time is over',
    needs: 'window',
    act: (scene) => awayInTheMiddle(scene, () => sleep(scene.streamManagement ? RESUME_WINDOW + 1500 : 0)),
  },
  {
    name: 'login on the same resource',
    how: 'frozen while all are sent; his application starts anew and logs in on the same resource, without resuming',
    act: async (scene) => {
      scene.bob.relay.freeze();
      await scene.says(0, 1);
      await scene.taken(1);
      scene.bob = await scene.bob.restarted();
    },
  },
  {
    name: 'sender’s TCP cut mid-send',
    how: 'half are sent; a quarter is written into a network that passes nothing on, which is reset; then the rest',
    act: async (scene) => {
      await scene.says(0, 0.5);
      await scene.taken(0.5);
      scene.alice.relay.freeze();
      await scene.says(0.5, 0.75);
      scene.alice.relay.reset();
      await scene.says(0.75, 1);
    },
  },
  {
    name: 'server restart',
    how: 'he is frozen while half are sent; the server is killed and started again; then, when the proxy is linked, the rest',
    needs: 'restart',
    act: async (scene) => {
      scene.bob.relay.freeze();
      await scene.says(0, 0.5);
      await scene.taken(0.5);
      // His network passes things on again, and there is nobody who knows his connection: not later, when he has another.
      await scene.restartServer(() => scene.bob.relay.reset());
      await scene.says(0.5, 1);
    },
  },
  {
    name: 'proxy killed',
    how: 'with SIGKILL while messages arrive, when he has seen a quarter; it is started again',
    ofProxy: true,
    ownProcess: true,
    act: async (scene) => {
      const saying = scene.says(0, 1, 1);
      const quarter = scene.texts[Math.floor(scene.texts.length / 4)] as string;
      await until(() => scene.bob.seen.includes(quarter), { what: 'a quarter of the messages' });
      await scene.killProxy?.();
      await saying;
    },
  },
  {
    name: 'Redis down',
    how: 'Redis is killed while messages arrive, when he has seen a quarter; it is started again when all are sent',
    ofProxy: true,
    act: async (scene) => {
      const saying = scene.says(0, 1, 1);
      const quarter = scene.texts[Math.floor(scene.texts.length / 4)] as string;
      await until(() => scene.bob.seen.includes(quarter), { within: 30_000, what: 'a quarter of the messages' });
      await scene.stopRedis?.();
      await saying;
      // Longer than a message waits for Redis.
      await sleep(7000);
      await scene.startRedis();
    },
  },
];
