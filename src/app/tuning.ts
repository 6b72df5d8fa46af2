import type { LeaseTiming } from '../gate/lease-options.ts';
import type { HealthTiming } from '../health/health-monitor.ts';
import type { IqTiming } from '../iq/iq-service.ts';
import type { PresenceTiming } from '../presence/timing.ts';
import type { LinkLeaseTiming } from '../store/redis/link-lease.ts';
import type { LinkTiming } from '../xmpp/connection/link.ts';

export interface GateTuning {
  readonly lease?: Partial<LeaseTiming>;
  /** How long after a login the server may take to send what it has stored. */
  readonly flush?: number;
  /** How long a message waits at most for what is sent again to its recipient before it. */
  readonly orderWithin?: number | undefined;
  /** How long what is lost is left to the process that has sent it. */
  readonly ownerFirst?: number | undefined;
  /** How often what passed unheld is logged. */
  readonly reportEvery?: number;
}

/** Times (ms) that tests shorten; everything that an operator may set is in the configuration. */
export interface Tuning {
  readonly link?: Partial<LinkTiming>;
  readonly lease?: number;
  readonly linkLease?: Partial<LinkLeaseTiming>;
  readonly sweepEvery?: number;
  readonly pipelineTimeout?: number;
  readonly presence?: Partial<PresenceTiming>;
  readonly queries?: IqTiming;
  readonly health?: HealthTiming;
  readonly gate?: GateTuning;
}
