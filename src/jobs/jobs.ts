import { hash } from 'node:crypto';
import xml from '@xmpp/xml';
import type { StoredRecord } from '../store/contract.ts';
import { textOf } from '../util/octets.ts';

/** What a job says of its message. No content: the dashboard shows these. */
export interface JobData {
  /** The record's key in the ledger. */
  readonly key: string;
  /** The attempt that the job may claim. */
  readonly attempt: number;
  /** Until when (ms) the sweep that made the job has leased the message. */
  readonly lease?: number;
  /** An operator has promoted it: he wants it now, whatever its date. */
  readonly wanted?: true;
  readonly from: string;
  readonly to: string;
  readonly id: string;
  /** ISO 8601. */
  readonly stored: string;
}

/** A dead letter. */
export interface UndeliveredData extends JobData {
  readonly ended: string;
  readonly why: string;
}

/** Whom to forget; empty when that is done, so that the job does not keep what it has erased. */
export interface ErasureData {
  readonly jid: string;
  /** His address in the component's domain. */
  readonly proxied: string;
}

/** BullMQ keeps ids for ever in its events; a hash names nobody. */
export function erasureJobId(jid: string): string {
  return hash('sha256', jid, 'base64url').slice(0, 22);
}

export function jobData(record: StoredRecord, attempt: number = record.attempt): JobData {
  return {
    key: record.key,
    attempt,
    from: record.sender,
    to: record.recipient,
    id: record.senderId ?? record.wireId,
    stored: new Date(record.firstStoredAt).toISOString(),
  };
}

/** Why a message was not delivered, in words for an operator. */
function reasonFor(record: StoredRecord): string {
  if (record.state === 'expired') return record.copies === 0 ? 'Could not be sent' : 'No confirmation in time';
  const text = record.conditionText === undefined ? '' : `: ${record.conditionText}`;
  return `Rejected with ${record.condition ?? 'undefined-condition'}${text}`;
}

export function undeliveredData(record: StoredRecord): UndeliveredData {
  const ended = new Date(record.settledAt ?? Date.now()).toISOString();
  return { ...jobData(record), ended, why: reasonFor(record) };
}

/** The job of a later attempt, of which there is one. */
export function attemptJobId(key: string, attempt: number): string {
  return `${key}.${attempt}`;
}

/** A job that a sweep made: always a new one, since a kept or stuck job would swallow another of its id. */
export function sweptJobId(key: string, attempt: number, now: number): string {
  return `${key}.${attempt}.${now.toString(36)}`;
}

/** Reads the addresses and the id of a stanza as this project writes it, in octets, without the rest. */
export function addressesOf(stanza: string): { from: string; to: string; id: string } {
  const start = stanza.slice(0, stanza.indexOf('>'));
  const value = (name: string) => xml.unescapeXML(textOf(start.match(new RegExp(` ${name}="([^"]*)"`))?.[1] ?? ''));
  return { from: value('from'), to: value('to'), id: value('id') };
}
