// What the README tells a newcomer to do, on a running Openfire that is named by the E2E_ variables and OPENFIRE_HOME.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import xml from '@xmpp/xml';
import { NO_OPENFIRE, OpenfireGate } from '../support/gate/openfire-gate.ts';
import { ProxyProcess } from '../support/stages/proxy-process.ts';
import { World } from '../support/stages/world.ts';
import { until } from '../support/time/until.ts';

const { OPENFIRE_HOME = '' } = process.env;
const PLUGIN = path.resolve(import.meta.dirname, '../../openfire/plugin');
const AWAY = path.join(OPENFIRE_HOME, 'receiptsgate.jar.away');
/** ms; no time that is measured: how long Openfire may take to see that a jar has come or gone. */
const LONG = 180_000;

if (NO_OPENFIRE !== undefined) console.info(`Skipped: ${NO_OPENFIRE}`);

(NO_OPENFIRE === undefined ? describe : describe.skip)('a newcomer with Openfire', () => {
  const stage = new OpenfireGate();
  let world: World;
  let component: ProxyProcess | undefined;

  beforeAll(async () => {
    world = await World.open({ gate: true });
    await stage.plugin(false);
    await until(() => !existsSync(path.join(OPENFIRE_HOME, 'plugins', 'receiptsgate')), {
      what: 'Openfire without the plugin',
      within: LONG,
    });
  }, LONG);
  afterAll(async () => {
    await stage.empty();
    await component?.signal('SIGKILL');
    await world.close();
    if (existsSync(path.join(OPENFIRE_HOME, 'plugins', 'receiptsgate.jar'))) await rm(AWAY, { force: true });
    else await stage.plugin(true);
  });

  async function survives(body: string): Promise<boolean> {
    const alice = await stage.raw('alice', 'phone');
    const bob = await stage.raw('bob', 'phone', { sm: true });
    await alice.send(xml('message', { to: `bob@${stage.domain}`, type: 'chat', id: body }, xml('body', {}, body)));
    // His client dies with it: it has acknowledged nothing, and comes back as if it were new.
    await bob.hears(body);
    bob.hangUp();
    const back = await stage.raw('bob', 'phone', { sm: true });
    // Without the gate nothing more comes: what comes now is the last of it.
    if (component === undefined) {
      await alice.send(xml('message', { to: back.jid, type: 'chat', id: 'last' }, xml('body', {}, 'Last')));
      await back.hears('Last');
    } else await back.hears(body);
    const found = back.bodies().includes(body);
    await Promise.all([alice.leave(), back.leave()]);
    return found;
  }

  test(
    'a newcomer copies one jar, and starts one process: what two clients without receipts write survives an accident',
    async () => {
      expect(await survives('Before')).toBe(false);
      expect(spawnSync('sh', [path.join(PLUGIN, 'build.sh')], { encoding: 'utf8' })).toMatchObject({ status: 0 });
      await copyFile(
        path.join(PLUGIN, 'dist', 'receiptsgate.jar'),
        path.join(OPENFIRE_HOME, 'plugins', 'receiptsgate.jar'),
      );
      component = new ProxyProcess(world.environment({ MODE: 'transparent', LOG_LEVEL: 'info' }));
      await component.prints('The gate holds messages for us', LONG);
      expect(await survives('After')).toBe(true);
    },
    2 * LONG,
  );
});
