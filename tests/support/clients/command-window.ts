import xml, { type Element } from '@xmpp/xml';
import type { Dialogue } from './dialogue.ts';

const NS_COMMANDS = 'http://jabber.org/protocol/commands';
const NS_FORMS = 'jabber:x:data';
const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

interface Field {
  readonly type: string;
  readonly label: string;
  readonly values: readonly string[];
  /** Values by label. */
  readonly options: ReadonlyMap<string, string>;
}

/** What a client shows after a step; `error` names the conditions, the general and the specific one. */
export interface Shown {
  readonly error: string | undefined;
  readonly status: string | undefined;
  readonly session: string | undefined;
  /** What the buttons offer, and what the default one does. */
  readonly actions: readonly string[];
  readonly usual: string | undefined;
  readonly note: string | undefined;
  readonly title: string | undefined;
  readonly instructions: string | undefined;
  readonly fields: ReadonlyMap<string, Field>;
  /** All that a person can read. */
  readonly text: string;
}

/** A client's window for a component's commands (XEP-0050), as far as a person can use it. */
export class CommandWindow {
  readonly #user: Dialogue;
  readonly #component: string;
  #node = '';
  #shown: Shown | undefined;

  constructor(user: Dialogue, component: string) {
    this.#user = user;
    this.#component = component;
  }

  /** Names of the commands that are offered. */
  async list(): Promise<string[]> {
    const query = await this.disco('items', NS_COMMANDS);
    return (
      query
        .getChild('query')
        ?.getChildren('item')
        .map(({ attrs }) => attrs.name ?? '') ?? []
    );
  }

  disco(what: 'info' | 'items', node?: string): Promise<Element> {
    const query = xml('query', { xmlns: `http://jabber.org/protocol/disco#${what}`, node });
    return this.#user.iq(xml('iq', { type: 'get', to: this.#component }, query));
  }

  /** Picks one from the list, by its name. */
  async open(name: string): Promise<Shown> {
    const items = (await this.disco('items', NS_COMMANDS)).getChild('query')?.getChildren('item') ?? [];
    const item = items.find(({ attrs }) => attrs.name === name);
    if (item === undefined) throw new Error(`"${name}" is not offered`);
    return this.start(item.attrs.node as string);
  }

  start(node: string): Promise<Shown> {
    this.#node = node;
    return this.send({ action: 'execute' });
  }

  /** Fills in the form that is shown and goes on; what is not named stays as it is. */
  submit(filled: Record<string, string | readonly string[]> = {}, action = 'execute'): Promise<Shown> {
    const form = xml('x', { xmlns: NS_FORMS, type: 'submit' });
    for (const [name, field] of this.#shown?.fields ?? []) {
      const given = filled[name] ?? field.values;
      const values = typeof given === 'string' ? [given] : given;
      form.append(xml('field', { var: name }, ...values.map((value) => xml('value', {}, value))));
    }
    return this.send({ action, sessionid: this.#shown?.session }, form);
  }

  /** Sends a step as it is; attributes may be those of a client that goes wrong. */
  async send(attributes: Record<string, string | undefined>, ...children: Element[]): Promise<Shown> {
    const command = xml('command', { xmlns: NS_COMMANDS, node: this.#node, ...attributes }, ...children);
    const answer = await this.#user.iq(xml('iq', { type: 'set', to: this.#component }, command));
    this.#shown = read(answer);
    return this.#shown;
  }
}

function read(answer: Element): Shown {
  const command = answer.getChild('command', NS_COMMANDS);
  const form = command?.getChild('x', NS_FORMS);
  const conditions = answer.getChild('error')?.getChildElements() ?? [];
  const actions = command?.getChild('actions');
  const fields = new Map((form?.getChildren('field') ?? []).map((field) => [field.attrs.var ?? '', readField(field)]));
  const note = command?.getChildText('note') ?? undefined;
  const title = form?.getChildText('title') ?? undefined;
  const instructions = form?.getChildText('instructions') ?? undefined;
  const words = [...fields.values()]
    .filter(({ type }) => type !== 'hidden')
    .map(({ label, values, options }) => [label, ...values, ...options.keys()].join('\n'));
  return {
    error:
      answer.attrs.type === 'error'
        ? conditions
            .filter((one) => one.getName() !== 'text' || one.getNS() !== NS_STANZAS)
            .map((one) => one.getName())
            .join(' ')
        : undefined,
    status: command?.attrs.status,
    session: command?.attrs.sessionid,
    actions: actions?.getChildElements().map((one) => one.getName()) ?? [],
    usual: actions?.attrs.execute,
    note,
    title,
    instructions,
    fields,
    text: [title, instructions, note, ...words].filter((one) => one !== undefined).join('\n'),
  };
}

function readField(field: Element): Field {
  const value = (of: Element) => of.getChildText('value') ?? '';
  return {
    type: field.attrs.type ?? '',
    label: field.attrs.label ?? '',
    values: field.getChildren('value').map((one) => one.getText()),
    options: new Map(field.getChildren('option').map((option) => [option.attrs.label ?? '', value(option)])),
  };
}
