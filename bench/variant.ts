import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { startFlags } from './compile.ts';
import type { SeparateCores } from './cores.ts';
import { Peer } from './peer.ts';
import type { Load } from './texts.ts';
import type { Setting, Usage } from './variants/child.ts';

/** So many that what is known of a pair has left a core's cache when it is its turn again, as on a real server. */
const MANY_PAIRS = 25_000;

export const VARIANTS = {
  a: { file: 'relay', args: [], what: 'bare relay, stock @xmpp/component, stores nothing' },
  b: { file: 'naive', args: [], what: 'naive: one awaited script and one BullMQ job a message, in order' },
  'b concurrent': { file: 'naive', args: ['concurrent'], what: 'the same, concurrent, order not kept' },
  c: { file: 'proxy', args: [], what: 'this proxy, with limits that one sender does not reach' },
  'c by default': {
    file: 'proxy',
    args: ['quotas'],
    pairs: MANY_PAIRS,
    what: `the same with the limits that it has by default, and ${MANY_PAIRS.toLocaleString('en')} pairs of users who write in turn: what is known of a pair has left a core's cache when it is its turn again`,
  },
} as const satisfies Record<string, { file: string; args: string[]; what: string; pairs?: number }>;

export type VariantName = keyof typeof VARIANTS;

/** Those that are measured behind a real server. */
const BEHIND_SERVER = {
  c: VARIANTS.c,
  'plain relay': { file: 'plain-relay', args: [] },
  'regex relay': { file: 'regex-relay', args: [] },
  transparent: { file: 'proxy', args: ['transparent'] },
  'gate answerer': { file: 'gate-answerer', args: [] },
} as const;

/** Where variants run. */
export interface Place {
  /** The compiled variants. */
  readonly folder: string;
  readonly redisUrl: string;
  /** A folder for CPU profiles of them. */
  readonly profile?: string | undefined;
  /** What messages say; `real` unless something else is said. */
  readonly load?: Load;
  /** Whether (c) has the quotas that it has by default; else limits that one sender does not reach. */
  readonly hasQuotas?: boolean;
  /** Of (c)'s ledger; the usual number where it is not said. */
  readonly shards?: number;
  /** Of a Redis Cluster instead of one Redis. */
  readonly cluster?: string | undefined;
  /** Whether of several processes all are connected, or one. */
  readonly active?: 'all' | 'one' | undefined;
  /** Where a server and what stands beside it have cores of their own. */
  readonly cores?: SeparateCores | undefined;
}

const START_LIMIT = 120_000;
const running = new Set<ChildProcess>();

/** Ends whatever still runs. */
export function killVariants(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Starts a variant's process. Resolves when it has connected to its peer. */
export async function launch(
  name: VariantName | keyof typeof BEHIND_SERVER,
  peer: { readonly port: number; readonly online: Promise<unknown>; readonly secret?: string | undefined },
  { folder, redisUrl, profile, hasQuotas = false, shards, cluster, active, cores }: Place,
): Promise<ChildProcess> {
  const { file, args } = { ...VARIANTS, ...BEHIND_SERVER }[name];
  const setting: Setting = { port: peer.port, redisUrl, secret: peer.secret, shards, cluster, active };
  const profiling = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
  const child = fork(
    path.join(folder, `${file}.js`),
    [JSON.stringify(setting), ...args, ...(hasQuotas ? ['quotas'] : [])],
    {
      execArgv: [...startFlags(), ...profiling],
    },
  );
  running.add(child);
  if (child.pid !== undefined) cores?.beside(child.pid);
  child.once('exit', () => running.delete(child));
  let timer: NodeJS.Timeout | undefined;
  const failed = new Promise<never>((_, reject) => {
    const fail = (why: string) => reject(new Error(`Variant ${name} ${why}`));
    child.once('exit', (code) => fail(`ended with ${code}`));
    timer = setTimeout(fail, START_LIMIT, 'did not connect');
  });
  // Also when it ends later on, which then shows as lost messages.
  failed.catch(() => {});
  await Promise.race([peer.online, failed]);
  clearTimeout(timer);
  return child;
}

export async function usageOf(child: ChildProcess): Promise<Usage> {
  child.send('usage');
  const [usage] = (await once(child, 'message')) as [Usage];
  return usage;
}

/** Ends a variant's process. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.send('stop');
  await exit;
}

/** A variant in a process of its own, connected to a peer of its own. */
export class Variant {
  readonly name: VariantName;
  readonly peer: Peer;
  readonly #child: ChildProcess;

  private constructor(name: VariantName, peer: Peer, child: ChildProcess) {
    this.name = name;
    this.peer = peer;
    this.#child = child;
  }

  static async start(name: VariantName, place: Place): Promise<Variant> {
    const peer = await Peer.listen(place.load);
    return new Variant(name, peer, await launch(name, peer, place));
  }

  usage(): Promise<Usage> {
    return usageOf(this.#child);
  }

  /** @throws when anything was lost, doubled or acknowledged out of thin air: speed without that counts for nothing */
  async stop(): Promise<void> {
    const { journal } = this.peer;
    // The peer first, so that the variant's reconnects meet nobody.
    await this.peer.close();
    await end(this.#child);
    if (journal.faultCount > 0) {
      const faults = journal.faults.join('\n  ');
      throw new Error(`Variant ${this.name}: ${journal.faultCount} faults in ${journal.sent} messages:\n  ${faults}`);
    }
  }
}
