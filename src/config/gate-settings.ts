import type { Setting } from './setting.ts';
import * as v from './values.ts';

/** How users write to each other, and what a gate's evidence means. */
export const gateSettings = {
  MODE: {
    group: 'gate',
    value: v.oneOf(['subdomain', 'transparent', 'both']),
    default: 'subdomain',
    about:
      'How users write to each other. `subdomain`: to the component, `bob@receipts.example.org`. `transparent`: to their own ' +
      'addresses, `bob@example.org`; a gate in the server holds each message until it is stored ' +
      '([gate-protocol.md](gate-protocol.md)): the plugin for Openfire or the module for Prosody. `both`: in either way.',
  },
  PROOF_COUNTS: {
    group: 'gate',
    value: v.oneOf(['redelivery', 'receipt']),
    default: 'redelivery',
    about:
      "What follows when the server has seen that the recipient's client has a message, and no receipt has come: `redelivery`: " +
      'it is not sent again; `receipt`: its sender, if he asked for a receipt, is told as well that it is delivered.',
  },
  PROOF_GRACE: {
    group: 'gate',
    value: v.durationOrNone(600_000),
    default: '5s',
    about:
      'How long the session must live on for that to count: a client that is killed may not have kept the message. If its session ' +
      'ends sooner after a receipt, and not in order, the message is sent once more, to the next session; of that, only the process ' +
      'knows that took the receipt, until it ends. With `0s` a proof and a receipt count at once.',
  },
} as const satisfies Record<string, Setting>;
