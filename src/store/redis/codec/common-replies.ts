import type { Kind, Replies, RequestOf } from '../../contract.ts';
import { type Form, type Forms, fixed, forms, list, whole } from './reply.ts';

/** An outcome without fields that says all. */
export const says = <Meaning>(meaning: Meaning): Form<unknown, Meaning> => fixed(0, () => meaning);

export const DONE = forms({ done: says(undefined) });
export const YES_OR_NO = forms({ yes: says(true), no: says(false) });
export const TEXTS = forms({ list: list(0, 1, (_, texts): string[] => texts.flat()) });
export const COUNT = forms({ count: fixed(1, ([count]) => whole(count)) });

/** What may be replied to requests of a kind. */
export const to = <K extends Kind>(all: Readonly<Record<string, Form<RequestOf<K>, Replies[K]>>>) => forms(all);

/** What may be replied to requests of some kinds. */
export type FormsOf<Some extends Kind> = { readonly [K in Some]: Forms<RequestOf<K>, Replies[K]> };
