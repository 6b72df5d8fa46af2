import type { Config } from '../config/config.ts';
import { NS } from '../xmpp/stanza/namespaces.ts';
import { readError } from '../xmpp/stanza/stanza-error.ts';
import type { Questions } from './component-questions.ts';
import { type Finding, Findings } from './finding.ts';

/** The version of docs/gate-protocol.md that a gate should speak. */
const GATE_VERSION = 1;

/** Asks the gate what it is, and takes no lease: nothing is held for that. */
export async function checkGate(questions: Questions, { xmpp }: Config): Promise<Finding[]> {
  const findings = new Findings('Gate');
  const { servedDomain, componentDomain } = xmpp;
  const answer = await questions.ask(servedDomain, `<gate xmlns="${NS.gate}"/>`);
  if (answer === undefined || answer === 'itself') {
    findings.problem(
      'gate',
      `No gate of ${servedDomain} answers`,
      "See that the plugin or module is loaded, and the server's log",
    );
    return findings.all;
  }
  if (answer.attrs.type === 'error') {
    const { condition } = readError(answer);
    if (condition === 'forbidden' || condition === 'not-authorized') {
      findings.problem(
        'gate.component',
        `The gate of ${servedDomain} takes another component`,
        `Set plugin.receipts.component in Openfire, or receipts_component in Prosody, to ${componentDomain}`,
      );
    } else if (condition === 'bad-request') {
      findings.warning('gate.version', 'The gate is of an older version, which does not say what it is', 'Update it');
    } else {
      findings.problem(
        'gate',
        `${servedDomain} has no gate (${condition}): messages pass, and are not stored`,
        `Install the plugin in Openfire, or load mod_receipts_gate in Prosody for ${servedDomain}; or set MODE=subdomain`,
      );
    }
    return findings.all;
  }
  const { version, gate, server, proofs = '' } = answer.getChild('gate', NS.gate)?.attrs ?? {};
  if (Number(version) < GATE_VERSION) {
    findings.warning('gate.version', `The gate ${gate} speaks version ${version} of the protocol`, 'Update it');
  } else findings.ok('gate', `The gate ${gate} is in ${server}`);
  if (!proofs.split(' ').includes('sm')) {
    findings.warning(
      'gate.proofs',
      'The gate cannot see what clients acknowledge by stream management here, and pings them instead',
      'Look for a newer one',
    );
  }
  return findings.all;
}
