import type { Element } from '@xmpp/xml';
import { NS } from './namespaces.ts';
import { attribute, escapeText } from './xml.ts';

/**
 * A field of a form (XEP-0004 section 3.3), of the types that every client shows. Tables (`reported`) are not among them, so
 * tabular data is written line by line.
 */
export interface Field {
  readonly var: string;
  readonly type: 'boolean' | 'fixed' | 'hidden' | 'list-multi' | 'list-single' | 'text-multi' | 'text-single';
  readonly label?: string;
  /** What it is for, in a sentence. */
  readonly desc?: string;
  readonly required?: boolean;
  /** Several for `text-multi` and `list-multi`: a line, or a choice, each. */
  readonly value?: string | readonly string[];
  readonly options?: readonly { readonly value: string; readonly label: string }[];
}

/** XEP-0004 section 3.1: `form` is to be filled in, `result` shows data. */
export interface Form {
  readonly type: 'form' | 'result';
  readonly title: string;
  readonly instructions?: string;
  readonly fields: readonly Field[];
}

/** Submitted values, by field. */
export type Values = ReadonlyMap<string, readonly string[]>;

function element(name: string, text: string): string {
  return `<${name}>${escapeText(text)}</${name}>`;
}

function fieldXml({ var: name, type, label, desc, required, value = [], options = [] }: Field): string {
  const values = typeof value === 'string' ? [value] : value;
  const children = [
    ...(desc === undefined ? [] : [element('desc', desc)]),
    ...(required ? ['<required/>'] : []),
    ...values.map((one) => element('value', one)),
    ...options.map((option) => `<option${attribute('label', option.label)}>${element('value', option.value)}</option>`),
  ];
  return `<field${attribute('var', name)} type="${type}"${attribute('label', label)}>${children.join('')}</field>`;
}

export function formXml({ type, title, instructions, fields }: Form): string {
  const words = instructions === undefined ? '' : element('instructions', instructions);
  return `<x xmlns="${NS.forms}" type="${type}">${element('title', title)}${words}${fields.map(fieldXml).join('')}</x>`;
}

/** Reads a submitted form (XEP-0004 section 3.1); undefined when it is none. */
export function readForm(form: Element | undefined): Values | undefined {
  if (form === undefined || form.attrs.type !== 'submit') return undefined;
  const values = new Map<string, readonly string[]>();
  for (const field of form.getChildren('field')) {
    const name = field.attrs.var;
    if (name)
      values.set(name, [...(values.get(name) ?? []), ...field.getChildren('value').map((one) => one.getText())]);
  }
  return values;
}
