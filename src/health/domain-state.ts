/** In ms. */
export interface DomainTiming {
  /** Between two rounds; each is up to a fifth longer at random. */
  readonly every: number;
  /** The same at the beginning of a stream, for the first few. */
  readonly firstEvery: number;
  /** How long a conflict is reported after its last sign. */
  readonly remembered: number;
}

export interface DomainOptions {
  readonly component: string;
  readonly served: string;
  /** Gives what can be marked as `done`, and then is not written any more. */
  readonly send: (xml: string) => { done: boolean };
  /** Ids of stanzas that the processes of this Redis sent to themselves. */
  readonly tokens: {
    register(ids: readonly string[]): Promise<void>;
    knows(id: string): Promise<boolean>;
  };
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void };
  readonly timing?: Partial<DomainTiming>;
}

/** Who else holds the domain: a proxy of other users' messages, or some other program. */
export interface DomainConflict {
  readonly who: 'proxy' | 'component';
  /** ms since the epoch. */
  readonly since: number;
}

export interface DomainState {
  readonly conflict: DomainConflict | undefined;
  /** The condition with which the server answers what is sent to its own domain, if that is none of its own. */
  readonly servedError: string | undefined;
  /** Since when it does, ms since the epoch. */
  readonly servedErrorSince?: number | undefined;
  /** Since when (ms since the epoch) no stream has been proved, over however many of them. */
  readonly unprovedSince: number | undefined;
}
