import type { Gate } from '../../gate/gate.ts';

/** The part of the gate that copies and notices go through. */
export type GatePort = Pick<
  Gate,
  | 'give'
  | 'acks'
  | 'isOpen'
  | 'noteStored'
  | 'deliver'
  | 'tell'
  | 'ask'
  | 'forget'
  | 'factsOf'
  | 'sessionsOf'
  | 'sessionAt'
  | 'unheldTo'
  | 'unheldStored'
  | 'noteConfirmed'
  | 'notePassed'
  | 'epoch'
  | 'isReady'
  | 'on'
>;
