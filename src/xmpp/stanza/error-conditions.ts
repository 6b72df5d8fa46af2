/** The stanza error conditions of RFC 6120 section 8.3.3, each with the error type that fits it best there. */
export const CONDITIONS = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'modify',
  'unexpected-request': 'wait',
} as const satisfies Record<string, 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'>;

export type Condition = keyof typeof CONDITIONS;

export function isCondition(name: string): name is Condition {
  return Object.hasOwn(CONDITIONS, name);
}

/**
 * Conditions that end a message. All others, unknown ones too, count as temporary: another attempt loses nothing.
 */
const PERMANENT: ReadonlySet<string> = new Set<Condition>([
  'bad-request',
  'feature-not-implemented',
  'forbidden',
  'gone',
  'item-not-found',
  'jid-malformed',
  'not-acceptable',
  'not-allowed',
  'not-authorized',
  'policy-violation',
  'redirect',
  'registration-required',
  'subscription-required',
]);

/** Whether a bounce with this condition ends a message, rather than leaving it pending. */
export function isPermanent(condition: string): boolean {
  return PERMANENT.has(condition);
}
