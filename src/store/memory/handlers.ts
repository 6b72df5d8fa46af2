import type { Clock, Kind, Replies, RequestOf } from '../contract.ts';
import { accept, isTaken, readdress, withdraw } from './acceptance.ts';
import { cancel, erase, forgetUser, retryNow } from './administration.ts';
import { bounce, claim } from './attempts.ts';
import { CommandSessions } from './command-sessions.ts';
import { bringForward, release, renewLease } from './due-times.ts';
import { expire, reject, requeue } from './endings.ts';
import { explain } from './explain.ts';
import { handOver } from './hand-over.ts';
import { Capabilities, IqRequests } from './iq-requests.ts';
import { claimProbing, heartbeat, leaveService, releaseProbing, renewProbing } from './processes.ts';
import { quarantine, reported } from './quarantine.ts';
import { anythingOut, sequenceGap } from './sequence-gap.ts';
import { senderAvailable, sessionAvailable } from './session-available.ts';
import {
  beginProbe,
  endUnheard,
  forgetPresence,
  recordPing,
  recordReceiptSupport,
  recordStrayPing,
} from './session-checks.ts';
import { isAvailable, recordPresence, renewSession, whoStillSees } from './sessions.ts';
import { keyOfHeld, namedBy, prove, settle, settleByMention, settleUpTo, supersede } from './settlement.ts';
import type { MemoryState, MemoryTimes } from './state.ts';
import { subscriptionStep, withdrawSubscription } from './subscriptions.ts';

/** What carries out each kind of request. */
export type Handlers = { readonly [K in Kind]: (request: RequestOf<K>, times: MemoryTimes) => Replies[K] };

export function handlersOf(state: MemoryState, clock: Clock): Handlers {
  const iqs = new IqRequests();
  const sessions = new CommandSessions(clock);
  const capabilities = new Capabilities(clock);
  const isWatched = (user: string) => state.presence.subscribers(user).length > 0;
  const by =
    <K extends Kind>(handler: (state: MemoryState, request: RequestOf<K>, times: MemoryTimes) => Replies[K]) =>
    (request: RequestOf<K>, times: MemoryTimes) =>
      handler(state, request, times);
  return {
    accept: by(accept),
    settle: by(settle),
    settleByMention: by(settleByMention),
    supersede: by(supersede),
    prove: by(prove),
    keyOfHeld: by(keyOfHeld),
    namedBy: by(namedBy),
    handOver: by(handOver),
    notified({ endings }, times) {
      for (const ending of endings) {
        state.due.delete(state.dueName(ending));
        if (state.dueName(ending) === ending.key) state.delivered.noteTold(ending.key, times);
      }
    },
    release: by(release),
    quarantine: by(quarantine),
    reported: by(reported),
    claim: by(claim),
    bounce: by(bounce),
    reject: by(reject),
    bringForward: by(bringForward),
    expire: by(expire),
    requeue: by(requeue),
    withdraw: by(withdraw),
    readdress: by(readdress),
    isTaken: by(isTaken),

    sessionAvailable: by(sessionAvailable),
    senderAvailable: by(senderAvailable),
    anythingOut: by(anythingOut),
    sequenceGap: by(sequenceGap),
    renewLease: by(renewLease),
    settleUpTo: by(settleUpTo),

    subscriptionStep: by(subscriptionStep),
    withdrawSubscription: by(withdrawSubscription),
    recordPresence: by(recordPresence),
    renewSession: by(renewSession),
    recordPing: by(recordPing),
    recordStrayPing: by(recordStrayPing),
    recordReceiptSupport: by(recordReceiptSupport),
    forgetPresence: by(forgetPresence),
    beginProbe: by(beginProbe),
    isAvailable: by(isAvailable),
    subscribersOf: ({ user }) => state.presence.subscribers(user),
    endUnheard: by(endUnheard),
    whoStillSees: by(whoStillSees),
    heartbeat: by(heartbeat),
    leaveService: by(leaveService),
    claimProbing: by(claimProbing),
    renewProbing: by(renewProbing),
    releaseProbing: by(releaseProbing),

    recordIq: (request) => iqs.record(request),
    takeIqResponse: (request) => iqs.takeResponse(request),
    overdueIqs: (request) => iqs.overdue(request),
    endIq: (request) => iqs.end(request, isWatched),
    forgetIq: (request) => void iqs.forget(request),
    knownCapabilities: (request) => capabilities.known(request),
    recordCapabilities: (request) => void capabilities.record(request),

    explain: by(explain),
    cancel: by(cancel),
    retryNow: by(retryNow),
    erase: by(erase),
    forgetUser: by(forgetUser),
    pause({ by: who, now }) {
      const before = state.paused;
      state.paused ??= { since: now, by: who };
      return before;
    },
    resume() {
      const before = state.paused;
      state.paused = undefined;
      return before;
    },
    openCommandSession: (request) => void sessions.open(request),
    readCommandSession: (request) => sessions.read(request),
    endCommandSession: (request) => sessions.end(request),
  };
}
