import { Element } from '@xmpp/xml';
import { DomainMonitor } from '../../src/health/domain-monitor.ts';
import { until } from '../support/time/until.ts';

const DOMAIN = 'receipts.example.org';

function setUp() {
  const pings: { id: string; done: boolean }[] = [];
  const watch = new DomainMonitor({
    component: DOMAIN,
    served: 'example.org',
    send: (xml) => {
      const ping = { id: / id="(ofr-self-[^"]*)"/.exec(xml)?.[1] ?? '', done: false };
      if (ping.id !== '') pings.push(ping);
      return ping;
    },
    tokens: { register: async () => {}, knows: async () => true },
    log: { info: () => {}, error: () => {} },
    timing: { every: 10, firstEvery: 10, remembered: 60_000 },
  });
  /** The self-pings of the next round. */
  const round = async () => {
    const before = pings.length;
    await until(() => pings.length >= before + 3, { what: 'a round' });
    return pings.slice(before, before + 3);
  };
  const bounced = (ids: readonly string[]) => {
    for (const id of ids) {
      const error = new Element('error', { type: 'cancel' });
      error.append(new Element('service-unavailable', { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' }));
      const iq = new Element('iq', { type: 'error', id, from: DOMAIN, to: DOMAIN });
      iq.append(error);
      watch.handle(iq);
    }
  };
  return { watch, pings, round, bounced };
}

test('a self-ping is not written after the stream that it was for, when its id may be forgotten', async () => {
  const { watch, pings, round } = setUp();
  watch.online();
  await round();
  watch.offline();
  expect(pings.length).toBeGreaterThanOrEqual(3);
  expect(pings.filter(({ done }) => !done)).toEqual([]);
});

test('what the server bounces at one moment, as from a process that stops, is no stranger; again, it is', async () => {
  const { watch, round, bounced } = setUp();
  watch.online();
  const ids = (await round()).map(({ id }) => id);
  bounced(ids);
  expect(watch.state.conflict).toBeUndefined();
  bounced((await round()).map(({ id }) => id));
  expect(watch.state.conflict).toMatchObject({ who: 'component' });
  watch.offline();
});
