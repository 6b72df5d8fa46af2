// What ends or corrects a presence must not be refused at the memory limit: none of these counts as growing.

/** This process' link is up. Gives how many others serve the domain, and how many users are subscribed to the component itself. */
export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly process: string;
  /** ms. */
  readonly now: number;
  /** The component's domain. */
  readonly own: string;
}

export const heartbeat = (process: string, now: number, own: string): Heartbeat => ({
  kind: 'heartbeat',
  process,
  now,
  own,
});

/** This process' link is down. Gives how many others serve the domain. Idempotent. */
export interface LeaveService {
  readonly kind: 'leaveService';
  readonly process: string;
  /** ms. */
  readonly now: number;
}

export const leaveService = (process: string, now: number): LeaveService => ({ kind: 'leaveService', process, now });

/** Claims to probe everybody: `wait` while another process is at it, `joined` when that has only just begun. */
export interface ClaimProbing {
  readonly kind: 'claimProbing';
  readonly process: string;
  /** ms. */
  readonly now: number;
}

export const claimProbing = (process: string, now: number): ClaimProbing => ({ kind: 'claimProbing', process, now });

/** Keeps the claim for a while. */
export interface RenewProbing {
  readonly kind: 'renewProbing';
  readonly process: string;
}

export const renewProbing = (process: string): RenewProbing => ({ kind: 'renewProbing', process });

/** Gives the claim up. Idempotent. */
export interface ReleaseProbing {
  readonly kind: 'releaseProbing';
  readonly process: string;
}

export const releaseProbing = (process: string): ReleaseProbing => ({ kind: 'releaseProbing', process });

export type ProcessRequest = Heartbeat | LeaveService | ClaimProbing | RenewProbing | ReleaseProbing;

export interface ProcessReplies {
  heartbeat: { readonly others: number; readonly subscribers: number };
  leaveService: number;
  claimProbing: 'go' | 'wait' | 'joined';
  renewProbing: undefined;
  releaseProbing: undefined;
}
