import { isoTime } from './iso-time.ts';
import type { GateState, Part } from './observations.ts';

/** The version of docs/gate-protocol.md that a gate should speak. */
const GATE_VERSION = 1;

interface Names {
  readonly component: string;
  readonly served: string;
}

const PASSING = "Until then messages between users' own addresses pass, and are not stored";

/** Says whether a gate holds messages for us, and what keeps it from that. Pure. */
export function assessGate({ state: lease, downSince, unheldLately }: GateState, names: Names): Part {
  const warnings: string[] = [];
  if (unheldLately !== undefined) {
    const { count, at } = unheldLately;
    const were = count === 1 ? '1 message has' : `${count} messages have`;
    warnings.push(
      `${were} passed the gate unheld lately, the last of which we were told at ${isoTime(at)}: not stored, not acknowledged, not sent again. The log lists them ("Messages passed unheld").`,
    );
  }
  const part = (problem?: string): Part => ({
    ok: problem === undefined,
    ...(problem !== undefined && { problem }),
    ...(problem !== undefined && downSince !== undefined && { since: isoTime(downSince) }),
    ...(warnings.length > 0 && { warnings }),
  });
  switch (lease.state) {
    // The link, or Redis, says what is wrong.
    case 'off':
      return part();
    case 'asking':
      return part(`The gate of ${names.served} is asked, and its answer is awaited`);
    case 'refused':
      return part(`${refusal(lease.why, names)}. ${PASSING}`);
    case 'ended':
      return part(
        `The gate of ${names.served} holds no messages now: ${lease.why}. It is asked again every few seconds. ${PASSING}`,
      );
    case 'up': {
      const { version, gate: own, proofs } = lease.terms;
      if (version < GATE_VERSION) {
        warnings.push(
          `The gate ${own} speaks version ${version} of the protocol, and this component ${GATE_VERSION}: update the plugin.`,
        );
      }
      if (proofs.length > 0 && !proofs.includes('sm')) {
        warnings.push(
          `The gate ${own} cannot see what clients acknowledge by stream management in this version of the server: it pings them instead. Look for a newer plugin.`,
        );
      }
      return part();
    }
  }
}

/** @param why a condition (RFC 6120 section 8.3.3), with the gate's text; or that nothing answers */
function refusal(why: string, { component, served }: Names): string {
  if (/^(service-unavailable|feature-not-implemented|item-not-found)\b/.test(why)) {
    return `${served} has no gate (${why}): install the plugin in Openfire, or load mod_receipts_gate in Prosody for ${served}`;
  }
  if (/^(forbidden|not-authorized)\b/.test(why)) {
    return `The gate of ${served} takes another component (${why}): set plugin.receipts.component in Openfire, or receipts_component in Prosody, to ${component}`;
  }
  if (/^not-allowed\b/.test(why)) return `The gate of ${served} does not work here (${why})`;
  return `No gate of ${served} holds messages for us (${why}): see that the plugin or the module is loaded, and the server's log`;
}
