import type { Element } from '@xmpp/xml';
import type { Address, AddressPolicy } from '../addressing/address-policy.ts';
import type { Perform } from '../store/contract.ts';
import { formXml, readForm } from '../xmpp/stanza/data-form.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { RequestError } from '../xmpp/stanza/request-error.ts';
import { attribute, escapeText } from '../xmpp/stanza/xml.ts';
import { BadPayload, badPayload, type Command, refuseSubmission, type Step, type StepResult } from './command.ts';
import { resultForm } from './format.ts';
import { Sessions } from './sessions.ts';

/** XEP-0050 section 3.4. */
const ACTIONS: ReadonlySet<string> = new Set(['execute', 'next', 'complete', 'prev', 'cancel']);

export interface CommandsOptions {
  readonly addresses: AddressPolicy;
  /** Bare JIDs of those who may run all commands. */
  readonly admins: readonly string[];
  readonly commands: readonly Command[];
  readonly perform: Perform;
}

/** XEP-0050 section 4.4: conditions of its own, each beside one of XMPP's. */
function refusal(condition: 'bad-request' | 'not-allowed', specific: string): RequestError {
  return new RequestError({ condition, extra: `<${specific} xmlns="${NS.commands}"/>` });
}

/** The component's ad-hoc commands (XEP-0050): who sees which, and how they are run. Throws RequestErrors. */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #commands: ReadonlyMap<string, Command>;
  readonly #admins: ReadonlySet<string>;
  readonly #sessions: Sessions;

  constructor(options: CommandsOptions) {
    this.#options = options;
    this.#commands = new Map(options.commands.map((command) => [`${NS.own}#${command.node}`, command]));
    this.#admins = new Set(options.admins.map((jid) => options.addresses.parseWritten(jid).bare));
    this.#sessions = new Sessions(options.perform);
  }

  /** Children of a disco#items result (XEP-0050 section 2.2); undefined when it is no node of ours. */
  items(node: string, requester: Address): string | undefined {
    if (this.#commands.has(node)) return '';
    if (node !== NS.commands) return undefined;
    const jid = this.#options.addresses.componentDomain;
    return [...this.#commands]
      .filter(([, command]) => this.#may(command, requester))
      .map(
        ([name, command]) =>
          `<item${attribute('jid', jid)}${attribute('node', name)}${attribute('name', command.name)}/>`,
      )
      .join('');
  }

  /**
   * Children of a disco#info result (XEP-0050 sections 2.2 and 2.3); undefined when it is no node of ours.
   *
   * @throws {RequestError} when the command is not for the requester
   */
  info(node: string, requester: Address): string | undefined {
    const identity = (type: string, name: string) =>
      `<identity category="automation" type="${type}"${attribute('name', name)}/>`;
    if (node === NS.commands) {
      return `${identity('command-list', 'Commands')}<feature var="${NS.commands}"/><feature var="${NS.discoItems}"/>`;
    }
    const command = this.#commands.get(node);
    if (command === undefined) return undefined;
    this.#allow(command, requester);
    const features = [NS.commands, NS.forms].map((feature) => `<feature var="${feature}"/>`);
    return identity('command-node', command.name) + features.join('');
  }

  /** Takes a step; gives the result's child. */
  async execute(question: Element, requester: Address): Promise<string> {
    const { node = '', action = 'execute', sessionid = '' } = question.attrs;
    if (question.getName() !== 'command') throw new RequestError({ condition: 'bad-request' });
    const command = this.#commands.get(node);
    // Checked first, so that a stranger does not learn which commands exist.
    if (!this.#options.addresses.isServed(requester)) throw new RequestError({ condition: 'forbidden' });
    if (command === undefined)
      throw new RequestError({ condition: 'item-not-found', text: 'There is no such command' });
    this.#allow(command, requester);
    if (!ACTIONS.has(action)) throw refusal('bad-request', 'malformed-action');
    if (sessionid === '') {
      if (action !== 'execute') throw refusal('bad-request', 'bad-sessionid');
      const stage = await command.begin(requester);
      const now = Date.now();
      // Not for a command without a form, which answers also when Redis does not.
      const opened =
        command.forms === 0 ? this.#sessions.id(now) : await this.#sessions.open(node, requester.full, now);
      return this.#write(node, opened, command, stage, true);
    }
    if (command.forms === 0 && this.#sessions.isId(sessionid)) refuseSubmission();
    const session = await this.#sessions.read(sessionid, node, requester.full, Date.now());
    if (session === 'bad') throw refusal('bad-request', 'bad-sessionid');
    if (session === 'expired') throw refusal('not-allowed', 'session-expired');
    if (action === 'cancel') {
      await this.#sessions.end(sessionid);
      return this.#open(node, sessionid, 'canceled', '');
    }
    if (action === 'prev') {
      if (command.forms < 2) throw refusal('bad-request', 'bad-action');
      return this.#write(node, sessionid, command, await command.begin(requester), true);
    }
    // `execute` stands for the form's own next action; the client may not know which one that is.
    const values = readForm(question.getChild('x', NS.forms));
    if (values === undefined) throw badPayload('The form is missing');
    const endSession = async () => {
      if (!(await this.#sessions.end(sessionid))) throw refusal('not-allowed', 'session-expired');
    };
    return this.#write(node, sessionid, command, await this.#submit(command, { requester, values, endSession }), false);
  }

  /** Invalid input is answered with a result: for an error to a step Psi shows nothing and waits. */
  async #submit(command: Command, step: Step): Promise<StepResult> {
    try {
      return await command.submit(step);
    } catch (error) {
      if (!(error instanceof BadPayload)) throw error;
      return { note: { type: 'error', text: error.text } };
    }
  }

  #may(command: Command, requester: Address): boolean {
    return this.#options.addresses.isServed(requester) && (!command.forAdmins || this.#admins.has(requester.bare));
  }

  #allow(command: Command, requester: Address): void {
    if (!this.#may(command, requester)) throw new RequestError({ condition: 'forbidden' });
  }

  #write(node: string, session: string, command: Command, stage: StepResult, isFirst: boolean): string {
    const { note } = stage;
    const notes = note === undefined ? '' : `<note type="${note.type}">${escapeText(note.text)}</note>`;
    if (stage.form === undefined) {
      const shown = stage.result ?? (note && resultForm(command.name, note.text));
      return this.#open(node, session, 'completed', notes + (shown === undefined ? '' : formXml(shown)));
    }
    const back = !isFirst && command.forms === 2 ? '<prev/>' : '';
    // XEP-0050 section 3.4: says which action `execute` stands for, since clients assume different ones.
    const actions = `<actions execute="${stage.leadsTo}">${back}<${stage.leadsTo}/></actions>`;
    return this.#open(node, session, 'executing', actions + notes + formXml(stage.form));
  }

  #open(node: string, session: string, status: 'executing' | 'completed' | 'canceled', inner: string): string {
    const named = `${attribute('node', node)}${attribute('sessionid', session)}`;
    return `<command xmlns="${NS.commands}"${named} status="${status}">${inner}</command>`;
  }
}
