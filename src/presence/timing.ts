/** In ms, but for `perSecond`. */
export interface PresenceTiming {
  /** Probes and announcements a second after the link was down. */
  readonly perSecond: number;
  /** How long a probe's answer may take. */
  readonly probeTimeout: number;
  /** How long a server may take to tell all subscribers of one presence. */
  readonly broadcast: number;
  /** How often a process says that its link is up. */
  readonly heartbeat: number;
  /** How long Redis fails before the component shows itself as unavailable. */
  readonly unusableAfter: number;
}

export const DEFAULT_TIMING: PresenceTiming = {
  perSecond: 200,
  probeTimeout: 10_000,
  broadcast: 1_000,
  heartbeat: 10_000,
  unusableAfter: 2_000,
};
