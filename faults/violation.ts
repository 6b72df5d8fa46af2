/** What must not be in any history, whatever the faults; docs/faults.md says what each means. */
export const RULES = {
  lost: 'acknowledged, and neither delivered nor its sender told',
  untold: 'delivered or ended, and its sender not told by itself',
  late: 'told later than the settings allow',
  'false tick': 'told delivered, and not confirmed by then',
  'false failure': 'told failed, and confirmed when all was well',
  'both ends': 'told delivered and failed',
  'false proof': 'a gate says that a client has it, which was not given it before',
  'not passed': 'not taken by the component behind a gate, and not delivered by the server',
  paused: 'held by a gate for longer than its timeout',
  garbled: 'given to the recipient with another text',
  'after told': 'sent again after its sender was told delivered',
  copies: 'given to one client more often than faults and schedule account for',
  rewritten: 'written to the server more often than faults and schedule account for',
  order: 'first attempts of one conversation in another order',
  ready: '/readyz says ready while nothing is acknowledged',
  metrics: 'ledger_up or link_up says 1 while it is not',
  dead: 'nothing is acknowledged though all is well',
  'not ready': 'not ready though all is well',
  'link given up': 'a link opened anew that nothing had broken',
  died: 'a process ended unasked, or with another status than 0',
} as const;

type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  /** The id of the message that suffered it. */
  readonly message?: string;
  readonly at: number;
  readonly why: string;
}
