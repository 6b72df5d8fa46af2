import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { Command } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { deadLetters } from './dead-letters.ts';
import { forgetUser } from './forget-user.ts';
import { heaviestSenders } from './heaviest-senders.ts';
import { lookup } from './lookup.ts';
import { pauseRedelivery } from './pause.ts';
import { figures } from './queue-figures.ts';
import { restoredLedger } from './restored-ledger.ts';
import { status } from './status.ts';
import { undelivered } from './undelivered.ts';
import { waiting } from './waiting.ts';

/** All commands, in the order in which clients list them. A new one is a file and a line here. */
export function allCommands(context: CommandContext, addresses: AddressPolicy): Command[] {
  return [
    undelivered(context, addresses),
    status(context),
    lookup(context, addresses),
    waiting(context, addresses),
    figures(context),
    heaviestSenders(context),
    deadLetters(context, addresses),
    pauseRedelivery(context),
    restoredLedger(context),
    forgetUser(context, addresses),
  ];
}
