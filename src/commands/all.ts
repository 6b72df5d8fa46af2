import type { AddressPolicy } from '../addressing/address-policy.ts';
import type { Command } from './command.ts';
import { deadLetters } from './dead-letters.ts';
import type { Desk } from './desk.ts';
import { figures } from './figures.ts';
import { forgetUser } from './forget.ts';
import { heaviestSenders } from './heaviest.ts';
import { lookup } from './lookup.ts';
import { pauseRedelivery } from './pause.ts';
import { status } from './status.ts';
import { undelivered } from './undelivered.ts';

/** All commands, in the order in which clients list them. A new one is a file and a line here. */
export function allCommands(desk: Desk, addresses: AddressPolicy): Command[] {
  return [
    undelivered(desk, addresses),
    status(desk),
    lookup(desk, addresses),
    figures(desk),
    heaviestSenders(desk),
    deadLetters(desk, addresses),
    pauseRedelivery(desk),
    forgetUser(desk, addresses),
  ];
}
