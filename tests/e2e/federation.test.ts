import xml from '@xmpp/xml';
import { BareComponent } from '../support/openfire/bare-component.ts';
import { OpenfireStage } from '../support/stages/openfire-stage.ts';
import { until } from '../support/time/until.ts';

let stage: OpenfireStage;

beforeAll(async () => {
  stage = await OpenfireStage.open();
});
afterAll(() => stage.close());
afterEach(() => stage.empty());

const NS_RECEIPTS = 'urn:xmpp:receipts';
const CAROL = 'carol@other.org/x';
const CAROL_PROXIED = 'carol\\40other.org@receipts.example.org/x';

/** Another server's users look to ours like this: what it sends bears their addresses, and what is for them goes there. */
async function set(settings: Record<string, string>) {
  const openfire = await stage.openfire();
  const proxy = await stage.attach(settings);
  const other = await BareComponent.connect(openfire.componentPort, 'other.org', 'secret');
  await openfire.linked(2);
  return { openfire, proxy, other, alice: openfire.user('alice', 'phone') };
}

test('a message to a user of an allowed domain is delivered, and confirmed by him', async () => {
  const { other, alice } = await set({ ALLOWED_DOMAINS: 'other.org' });
  const id = await alice.say('carol\\40other.org@receipts.example.org', 'Hello over there');
  await alice.acknowledged(id);
  const heard = await other.hears('Hello over there');
  expect(heard.attrs).toMatchObject({ to: 'carol@other.org', from: 'alice@receipts.example.org/phone' });
  const { from: back } = heard.attrs;
  await other.send(xml('message', { from: CAROL, to: back as string }, xml('received', { xmlns: NS_RECEIPTS, id })));
  expect((await alice.delivered(id)).attrs.from).toBe(CAROL_PROXIED);

  await other.send(
    xml(
      'message',
      { from: CAROL, to: back as string, type: 'chat', id: 'c-1' },
      xml('body', {}, 'Hello back'),
      xml('request', { xmlns: NS_RECEIPTS }),
    ),
  );
  expect((await alice.hears('Hello back')).attrs.from).toBe(CAROL_PROXIED);
  // Alice's client confirms to the address that it sees, and carol's hears of it.
  expect((await other.delivered('c-1')).attrs).toMatchObject({ to: CAROL, from: 'alice@receipts.example.org/phone' });
  other.end();
});

test('requests pass both ways', async () => {
  const { other, alice } = await set({ ALLOWED_DOMAINS: 'other.org' });
  const ping = xml('iq', { type: 'get', to: CAROL_PROXIED }, xml('ping', { xmlns: 'urn:xmpp:ping' }));
  const asking = alice.iq(ping);
  const asked = await other.hears(({ attrs }) => attrs.to === CAROL);
  await other.send(
    xml('iq', { type: 'result', from: CAROL, to: asked.attrs.from as string, id: asked.attrs.id as string }),
  );
  expect((await asking).attrs).toMatchObject({ type: 'result', from: CAROL_PROXIED });

  const reply = await other.iq(
    xml(
      'iq',
      { type: 'get', from: CAROL, to: 'alice@receipts.example.org/phone' },
      xml('ping', { xmlns: 'urn:xmpp:ping' }),
    ),
  );
  expect(reply.attrs).toMatchObject({ type: 'result', to: CAROL });
  other.end();
});

test('without leave, a user of another domain is refused, and is nobody who could be written to', async () => {
  const { openfire, other, alice } = await set({});
  await other.send(
    xml('message', { from: CAROL, to: 'alice@receipts.example.org', id: 'c-1' }, xml('body', {}, 'Let me in')),
  );
  const refusal = await other.hears(({ attrs }) => attrs.type === 'error' && attrs.id === 'c-1');
  expect(refusal.getChild('error')?.getChild('forbidden')).toBeDefined();
  const id = await alice.say('carol\\40other.org@receipts.example.org', 'Anybody?');
  await alice.acknowledged(id);
  // It goes to a user of the served domain who would have that name.
  const sent = await until(() => openfire.handled.find((el) => el.getChildText('body') === 'Anybody?'));
  expect(sent?.attrs.to).toBe('carol\\40other.org@example.org');
  expect(other.count('Anybody?')).toBe(0);
  other.end();
});
