// What the component's link carries of our namespaces, held against the schemas as it is said.
import type { Element } from '@xmpp/xml';
import { memoryStore } from '../../packages/client/src/index.ts';
import { LibraryUser } from '../support/client-library/library-user.ts';
import { recordWire, standAlone } from '../support/stages/wire-record.ts';
import { World } from '../support/stages/world.ts';
import { Schemas } from '../support/stanzas/schemas.ts';
import { until } from '../support/time/until.ts';

test('in both modes all that is said is valid', async () => {
  const world = await World.open({ gate: true });
  const seen: Element[] = [];
  const schemas = new Schemas();
  const users: LibraryUser[] = [];
  try {
    const proxy = await world.startProxy({ MODE: 'both', PROOF_GRACE: '1ms' }, {}, (link) =>
      recordWire(link, (element) => seen.push(element)),
    );
    await until(() => proxy.readiness.ready, { what: 'the gate' });
    const options = { askAfter: 0, streamManagement: false };
    for (const name of ['alice', 'bob'])
      users.push(await LibraryUser.login(world, name, { store: memoryStore(), ...options }));
    const [alice] = users as [LibraryUser];
    for (const to of [world.proxied('bob'), `bob@${world.xmpp.domain}`]) {
      const ids = ['one', 'two', 'three'].map((body) => alice.receipts.send({ to, body }).id);
      await until(() => ids.every((id) => alice.receipts.get(id)?.state === 'delivered'), {
        what: `delivery to ${to}`,
      });
    }
    // A question for the status: of a message that waits, after an absence.
    const { id } = await alice.receipts.send({ to: world.proxied('carol'), body: 'Are you there?' });
    const asked = () =>
      seen.filter(({ name, attrs, parent }) => name === 'status' && parent?.attrs.type === 'get' && attrs);
    alice.relay.hangUp();
    await until(() => asked().length > 0, { what: `a question about ${id}` });
  } finally {
    await Promise.all(users.map((user) => user.close()));
    await world.close();
  }
  const names = new Set(seen.flatMap((one) => [one.name, ...one.getChildElements().map(({ name }) => name)]));
  for (const name of ['stored', 'batch', 'status', 'enable', 'enabled', 'ready', 'held']) expect(names).toContain(name);
  expect(seen.map((element) => schemas.faultOf(standAlone(element))).filter(Boolean)).toEqual([]);
  schemas.close();
});
