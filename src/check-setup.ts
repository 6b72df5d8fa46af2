import { asJson, type DoctorOptions, examine, exitStatus } from './doctor/doctor.ts';
import { report } from './doctor/report.ts';
import type { Account } from './doctor/user-client.ts';
import { loadSettings, unknownName } from './load-settings.ts';

export interface CheckOptions extends DoctorOptions {
  readonly envFile?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The environment's variable with the password of the user that the check logs in as. */
const PASSWORD = 'CHECK_PASSWORD';

/** An account of the command line; its password is in the environment, where other users do not see it. */
export function accountOf(jid: string | undefined, address: string | undefined): Account | undefined {
  if (jid === undefined) return undefined;
  return { jid, password: process.env[PASSWORD] ?? '', ...(address !== undefined && { address }) };
}

/** Looks at everything around the component, prints what it has found, and sets the exit status. */
export async function checkSetup({ envFile, json, ...options }: CheckOptions): Promise<void> {
  const { config, unknown } = loadSettings(envFile);
  const findings = await examine(config, options);
  for (const name of unknown) {
    findings.unshift({ area: 'Process', id: 'settings.unknown', level: 'warning', text: unknownName(name, envFile) });
  }
  const { columns = 100, isTTY = false } = process.stdout;
  const paper = { columns, colours: isTTY && process.env.NO_COLOR === undefined };
  process.stdout.write(json ? asJson(findings) : report(findings, paper));
  process.exitCode = exitStatus(findings);
}
