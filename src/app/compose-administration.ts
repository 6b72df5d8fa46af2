import type { AddressPolicy } from '../addressing/address-policy.ts';
import { allCommands } from '../commands/catalog.ts';
import type { CommandContext } from '../commands/command-context.ts';
import { Commands } from '../commands/commands.ts';
import { PendingSurvey } from '../commands/pending-survey.ts';
import type { Config } from '../config/config.ts';
import type { StepRecorder } from '../console/step-recorder.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { HealthMonitor } from '../health/health-monitor.ts';
import { eachUndelivered, listUndelivered } from '../jobs/dead-letters.ts';
import type { Queues } from '../jobs/queues.ts';
import { RestoredMessages } from '../jobs/restored-messages.ts';
import { UserErasure } from '../jobs/user-erasure.ts';
import type { Counts } from '../metrics/counters.ts';
import type { Perform } from '../store/contract.ts';
import { Erasure } from '../store/erasure.ts';
import type { Ledger } from '../store/redis/ledger.ts';
import { redisFault } from '../store/redis/redis-faults.ts';
import type { Log } from '../util/log.ts';
import type { StoreParts } from './compose-store.ts';

export interface AdministrationOptions {
  readonly config: Pick<Config, 'xmpp' | 'retry'>;
  readonly addresses: AddressPolicy;
  readonly store: StoreParts;
  readonly counts: Counts;
  readonly delivery: Delivery;
  readonly health: HealthMonitor;
  /** What keeps the steps of messages, where they are kept. */
  readonly recorder: StepRecorder | undefined;
  readonly version: string;
  readonly log: Log;
}

/** What people ask and order by commands, put together. */
export interface Administration {
  readonly userErasure: UserErasure;
  readonly commands: Commands;
  /** What the commands have, for who shows and orders the same by other means. */
  readonly context: CommandContext;
}

export function composeAdministration(options: AdministrationOptions): Administration {
  const { config, addresses, store, counts, delivery, health, recorder, version, log } = options;
  const { ledger, queues, queries, steps, pipeline } = store;
  const proxied = (jid: string) => addresses.parse(jid).outer;
  const perform: Perform = (request) => pipeline.perform(request);
  const userErasure = new UserErasure({
    queues,
    forgetHere: (isForgotten) => delivery.forgetUsers(isForgotten),
    isFull: (error) => redisFault(error).code === 'OOM',
    erasure: new Erasure({
      queries,
      perform,
      steps: {
        forgetSteps: async (jid) => {
          await recorder?.settled();
          return steps.forgetSteps(jid);
        },
      },
    }),
    log,
  });
  const bothOf = (jid: string | undefined) => (jid === undefined ? undefined : [jid, proxied(jid)]);
  const context: CommandContext = {
    queries,
    survey: new PendingSurvey({ queries }),
    messageTtl: config.retry.messageTtl,
    perform,
    problems: async () => [health.readiness.parts.redis.problem ?? []].flat(),
    figures: () => rows(ledger, queues, counts),
    requeued: (record) => delivery.endings.requeue(record),
    ended: (record, ending) => void delivery.endings.conclude(record, ending),
    deadLetters: {
      list: (of, limit) => listUndelivered(queues.undelivered, bothOf(of), limit),
      each: (of) => eachUndelivered(queues.undelivered, bothOf(of)),
      remove: async (id) => void (await queues.undelivered.remove(id)),
    },
    forget: (jid) => userErasure.forget(jid, proxied(jid)),
    restored: new RestoredMessages({
      copy: store.restored,
      queries,
      pipeline,
      addresses,
      endings: delivery.endings,
      clock: ledger.clock,
      log,
    }),
    countRecords: (jid) => userErasure.count(jid),
    version,
    log,
  };
  const commands = allCommands(context, addresses);
  const { admins } = config.xmpp;
  return { userErasure, context, commands: new Commands({ addresses, admins, commands, perform }) };
}

async function rows(ledger: Ledger, queues: Queues, counts: Counts): Promise<[name: string, value: string][]> {
  const figures = await ledger.figures();
  const jobs = await Promise.all(
    queues.shown.map(async (queue): Promise<[string, string]> => {
      const found = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
      const parts = Object.entries(found).map(([state, count]) => `${count} ${state}`);
      return [`Queue ${queue.name}`, parts.join(', ')];
    }),
  );
  return [
    ['Messages that wait for a receipt', `${figures.pending}`],
    ['Age of the oldest', `${Math.round(figures.oldestPendingAgeSeconds)} s`],
    ['Senders to be told', `${figures.owed}`],
    ...jobs,
    ['This process: accepted', `${counts.accepted}`],
    ['This process: delivered', `${counts.delivered}`],
    ['This process: sent again', `${counts.redelivered}`],
    ['This process: expired, unconfirmed, rejected', `${counts.expired}, ${counts.unconfirmed}, ${counts.rejected}`],
  ];
}
