import type { Address } from '../addressing/address-policy.ts';
import type { Form, Values } from '../xmpp/stanza/data-form.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { RequestError } from '../xmpp/stanza/request-error.ts';

/** XEP-0050 section 4.3. */
export interface Note {
  readonly type: 'info' | 'warn' | 'error';
  readonly text: string;
}

/** The result of a step: a form to fill in, or the end of the command. */
export type StepResult =
  | {
      readonly form: Form;
      /** Whether the filled-in form leads to another one or to the end. */
      readonly leadsTo: 'next' | 'complete';
      readonly note?: Note;
    }
  | { readonly form?: undefined; readonly result?: Form; readonly note?: Note };

/** A submitted form. */
export interface Step {
  readonly requester: Address;
  readonly values: Values;
  /**
   * Ends the session, so that the change that follows is made only once. To be called before any change.
   *
   * @throws {RequestError} when it has ended
   */
  endSession(): Promise<void>;
}

/** A command (XEP-0050). It may refuse by throwing a RequestError; other errors mean that Redis cannot be asked. */
export interface Command {
  /** Name of the node, unique among the component's commands. */
  readonly node: string;
  readonly name: string;
  readonly forAdmins: boolean;
  /** How many forms it has: with two, one can go back to the first. */
  readonly forms: 0 | 1 | 2;
  begin(requester: Address): Promise<StepResult>;
  /** Handles a submitted form; its fields show which one it is. */
  submit(step: Step): Promise<StepResult>;
}

/** The form is incomplete or invalid (XEP-0050 section 4.4). */
export class BadPayload extends RequestError {
  constructor(readonly text: string) {
    super({ condition: 'bad-request', text, extra: `<bad-payload xmlns="${NS.commands}"/>` });
  }
}

export function badPayload(text: string): BadPayload {
  return new BadPayload(text);
}

/**
 * The one value of a field, without white space around it.
 *
 * @throws {RequestError} when there is none
 */
export function requiredValue(values: Values, name: string): string {
  const value = values.get(name)?.[0]?.trim();
  if (!value) throw badPayload(`The field "${name}" is missing`);
  return value;
}

/** What one may choose from: a label for each value. */
export type Choices = Readonly<Record<string, string>>;

export function optionsOf(choices: Choices): { value: string; label: string }[] {
  return Object.entries(choices).map(([value, label]) => ({ value, label }));
}

/**
 * The value that was chosen; some clients return its label instead.
 *
 * @throws {RequestError} when it is none of the choices
 */
export function chosenOption<const T extends Choices>(values: Values, name: string, choices: T): keyof T & string {
  const given = requiredValue(values, name);
  const chosen = Object.keys(choices).find((value) => value === given || choices[value] === given);
  if (chosen === undefined) throw badPayload(`The field "${name}" wants ${Object.values(choices).join(' or ')}`);
  return chosen as keyof T & string;
}

/** For a command without a form: its session ended with its only answer. */
export function refuseSubmission(): never {
  throw new RequestError({ condition: 'not-allowed', extra: `<session-expired xmlns="${NS.commands}"/>` });
}
