// Order of presence that Openfire seldom gives, on a running one that is named by the E2E_ variables.

import xml, { type Element } from '@xmpp/xml';
import { BareComponent } from '../support/openfire/bare-component.ts';
import { OWN_SERVER, World } from '../support/stages/world.ts';

const presence =
  (from: string, type?: string) =>
  ({ name, attrs }: Element): boolean =>
    name === 'presence' && attrs.from === from && attrs.type === type;

(OWN_SERVER ? describe.skip : describe)('presence on a running Openfire', () => {
  let world: World;
  let other: BareComponent;

  beforeEach(async () => {
    world = await World.open();
    await world.startProxy();
    const { componentPort, domain, secret } = world.xmpp;
    other = await BareComponent.connect(componentPort, `late.${domain}`, secret);
  });
  afterEach(async () => {
    other.end();
    await world.close();
  });

  test('the end of a session comes between the presence and the probe of the login that took its place: he is shown again', async () => {
    const [first, bob] = [await world.user('alice'), await world.user('bob')];
    const [alicesContact, bobsContact] = [world.proxied('bob'), world.proxied('alice')];
    await first.send(xml('presence', { type: 'subscribe', to: alicesContact }));
    await bob.hears(presence(bobsContact, 'subscribe'));
    await bob.send(xml('presence', { type: 'subscribed', to: bobsContact }));
    await first.hears(presence(world.seenAs(bob)));
    // What is told of him because he has let her in is over for a session that comes now.
    await first.offline();
    const alice = await world.user('alice');
    await alice.hears(presence(world.seenAs(bob)));
    await bob.send(xml('presence', {}, xml('status', {}, 'really')));
    const isReally = (el: Element) => presence(world.seenAs(bob))(el) && el.getChildText('status') === 'really';
    await alice.hears(isReally);
    // Openfire does not ask whether a component may speak for a user.
    const says = (type: string) => `<presence from="${bob.jid}" to="${bobsContact}" type="${type}"/>`;
    other.write(says('unavailable') + says('probe'));
    await alice.hears(presence(world.seenAs(bob), 'unavailable'));
    await alice.hears(isReally);
    await alice.delivered(await alice.say(alicesContact, 'still there'));
  });
});
