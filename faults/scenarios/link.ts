import * as link from '../nemesis/link.ts';
import { proxyFrozen } from '../nemesis/processes.ts';
import type { ProxyInstance } from '../proxy-instance.ts';
import type { Scenario } from '../scenario.ts';

export const LINK_SCENARIOS: readonly Scenario[] = [
  {
    name: 'link-reset',
    about: 'the link reset six times within 20 s',
    async run({ stage, nemesis, random, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      for (let i = 0; i < 6; i += 1) {
        await nemesis.inflict(link.reset(proxy));
        await calm(random.between(500, 5000));
      }
    },
  },
  {
    name: 'link-refused',
    about: 'the link reset, and nobody at the port for 6 to 8 s',
    async run({ stage, nemesis, random }) {
      await nemesis.inflict(link.refused((stage.proxies as [ProxyInstance])[0]), random.between(6000, 8000));
    },
  },
  {
    name: 'link-hole',
    about: 'the link loses one direction for 8 to 12 s, then the other, and is reset',
    async run({ stage, nemesis, random, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      for (const direction of ['in', 'out'] as const) {
        await nemesis.inflict(link.holed(proxy, direction), random.between(8000, 12_000));
        await calm(5000);
      }
    },
  },
  {
    name: 'link-delayed',
    about: 'the link takes 2 s each way for 15 s, then is reset',
    async run({ stage, nemesis, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      await nemesis.inflict(link.delayed(proxy, 2000), 15_000);
      await calm(1000);
      await nemesis.inflict(link.reset(proxy));
    },
  },
  {
    name: 'link-cut',
    about: 'the link cut inside stanzas and inside characters, in both directions',
    ci: ['subdomain'],
    async run({ stage, nemesis, random, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      for (let round = 0; round < 2; round += 1) {
        for (const where of ['stanza', 'character'] as const) {
          for (const direction of ['in', 'out'] as const) {
            await nemesis.inflict(link.cut(proxy, direction, where), 1500);
            await calm(random.between(300, 2000));
          }
        }
      }
    },
  },
  {
    name: 'link-throttled',
    transparent: { not: 'no copies go over the link: the server has the originals' },
    about: 'a server that takes 20 stanzas a second, and a burst of 400 messages that the proxy finds all at once',
    ci: ['subdomain'],
    // The redelivery is not what is measured: what is written twice is written for the link's sake.
    settings: { RETRY_SCHEDULE: '140s', UNCONFIRMED_RETRY_AFTER: '140s', MESSAGE_TTL: '150s', DEDUP_WINDOW: '200s' },
    senders: ['never'],
    recipients: ['first copy'],
    extra: 60_000,
    async run({ stage, nemesis, burst, calm }) {
      const [proxy] = stage.proxies as [ProxyInstance];
      const slow = nemesis.inflict(link.throttled(proxy, 20), 95_000);
      await calm(1000);
      // It is stopped while they come: what it does about them it does within one turn.
      const stopped = nemesis.inflict({ ...proxyFrozen(proxy), lossless: true }, 4000);
      await burst(400);
      await stopped;
      await slow;
    },
  },
  {
    name: 'link-unproved',
    transparent: { not: 'a message is handed over by the gate’s word, not by an answered ping' },
    about: 'answers to pings held back for 25 s, and a burst of 2,000 messages',
    settings: { RETRY_SCHEDULE: '60s', UNCONFIRMED_RETRY_AFTER: '60s', MESSAGE_TTL: '70s', DEDUP_WINDOW: '200s' },
    senders: ['never', 'after 12 s'],
    recipients: ['each copy'],
    extra: 30_000,
    async run({ stage, nemesis, burst, calm }) {
      const held = nemesis.inflict(link.unproved((stage.proxies as [ProxyInstance])[0]), 25_000);
      await calm(500);
      await burst(2000);
      await held;
      await calm(10_000);
    },
  },
];
