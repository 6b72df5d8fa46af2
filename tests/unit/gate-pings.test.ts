// The component's own pings of sessions, beside a gate that tells of them.

import { pingUnlessHeld } from '../../src/app/compose-gate.ts';

const ping = async () => 'answered' as const;
const holds = { isReady: true };
const does = { isReady: false };

test.each([
  ['no gate', undefined, 'subdomain', 'answered'],
  ['a gate that holds', holds, 'transparent', 'unknown'],
  ['a gate that does not hold now', does, 'transparent', 'answered'],
  ['a gate that holds some of the messages', holds, 'both', 'answered'],
] as const)('%s: a ping is %s', async (_, gate, mode, outcome) => {
  expect(await pingUnlessHeld(gate, mode, ping)('bob@s/desk')).toBe(outcome);
});
