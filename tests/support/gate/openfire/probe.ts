import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

const STUBS = path.resolve(import.meta.dirname, '../../../../openfire/plugin/api-stubs');
const SOURCE = path.join(import.meta.dirname, 'ProbePlugin.java');
const DESCRIPTION = `<plugin><class>receipts.gate.probe.ProbePlugin</class><name>Receipts Probe</name>
<description>What tests want of a server</description><author>tests</author><version>1.0.0</version></plugin>`;

/** Compiles ProbePlugin.java into a plugin for Openfire. Fails without a JDK. */
export async function buildProbe(jar: string): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'receipts-probe-'));
  try {
    const classes = path.join(folder, 'classes');
    const plugin = path.join(folder, 'plugin');
    await mkdir(path.join(plugin, 'lib'), { recursive: true });
    await writeFile(path.join(plugin, 'plugin.xml'), DESCRIPTION);
    run('javac', '--release', '8', '-Xlint:-options', '-sourcepath', STUBS, '-d', classes, SOURCE);
    // Of what is compiled only this: the rest stands for the server's own.
    const name = 'receipts/gate/probe';
    run('jar', 'cf', path.join(plugin, 'lib', 'plugin-receiptsprobe.jar'), '-C', classes, name);
    run('jar', 'cf', path.join(folder, 'probe.jar'), '-C', plugin, '.');
    await rename(path.join(folder, 'probe.jar'), jar);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function run(program: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program}: ${stderr ?? ''}${error?.message ?? ''}`);
}
