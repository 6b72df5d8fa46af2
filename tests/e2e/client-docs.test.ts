import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { opened } from '../support/process/opened.ts';
import { World } from '../support/stages/world.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PATIENT = path.join(ROOT, 'tests/support/clients/patient.mjs');

let world: World;
let folder: string;
beforeEach(async () => {
  world = await World.open();
  await world.startProxy();
  // Within the workspace, so that the package is found by its name.
  const artefacts = path.join(ROOT, 'tests/artefacts');
  await mkdir(artefacts, { recursive: true });
  folder = await mkdtemp(path.join(artefacts, 'example-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await world.close();
});

test.each(['docs/client.md', 'packages/client/README.md'])(
  'the program of %s, on the package as it is built, sends, is told, and hears',
  async (document) => {
    const built = spawnSync(process.execPath, [path.join(ROOT, 'tools/build.mjs'), 'client'], { encoding: 'utf8' });
    expect([built.status, built.stderr]).toEqual([0, '']);
    const text = readFileSync(path.join(ROOT, document), 'utf8');
    const code = /```js\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(30);
    const program = code
      .replace("'wss://example.org:7443/ws'", `'xmpp://127.0.0.1:${world.xmpp.c2sPort}'`)
      .replace("'example.org'", `'${world.xmpp.domain}'`)
      .replace("'secret'", `'${world.xmpp.passwords.get('alice')}'`)
      .replace("'bob@receipts.example.org'", `'${world.proxied('bob')}'`);
    const file = path.join(folder, 'example.mjs');
    await writeFile(file, program);

    const bob = await world.user('bob');
    const example = spawn(process.execPath, ['--import', PATIENT, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    example.once(
      'close',
      opened('an example', () => example.kill('SIGKILL')),
    );
    let output = '';
    const prints = (what: RegExp) =>
      new Promise<void>((resolve, reject) => {
        const look = () => what.test(output) && resolve();
        for (const stream of [example.stdout, example.stderr]) {
          stream.on('data', (data) => {
            output += data;
            look();
          });
        }
        example.once('close', () => reject(new Error(`It ended without printing ${what}:\n${output}`)));
      });
    try {
      const ends = Promise.all([prints(/^\S+ stored$/m), prints(/^\S+ delivered$/m), prints(/: I am$/m)]);
      const { from } = (await bob.hears('Are you there?')).attrs;
      await bob.say(from as string, 'I am', { id: 'answer' });
      await ends;
      await bob.delivered('answer');
    } finally {
      example.kill();
    }
  },
);
