import type { StanzaError } from './build.ts';

/** Thrown for a question that gets an error instead of an answer; whoever took the question sends it. */
export class RequestError extends Error {
  constructor(readonly error: StanzaError) {
    super(error.text ?? error.condition);
    this.name = 'RequestError';
  }
}
