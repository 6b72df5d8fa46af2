import xml from '@xmpp/xml';
import { NO_OPENFIRE, OpenfireGate } from '../support/gate/openfire-gate.ts';
import { until } from '../support/time/until.ts';

/** What the plugin tells a connection that begins, when that is much. */
if (NO_OPENFIRE !== undefined) console.info(`Skipped: ${NO_OPENFIRE}`);

(NO_OPENFIRE === undefined ? describe : describe.skip)('what the gate in Openfire tells at the beginning', () => {
  const stage = new OpenfireGate();
  const BOB = `bob@${stage.domain}`;
  /** About 1.5 MB of outcomes and proofs. */
  const MANY = 6000;

  beforeAll(() => stage.clean());
  afterAll(() => stage.clean());

  test('is no more than the component reads; until then nothing is held, and it is told what passed before it is ready', async () => {
    const [alice, bob] = [await stage.user('alice', 'phone'), await stage.user('bob', 'desk')];
    const first = await stage.hold();
    first.verdict = () => 'stored';
    for (let i = 0; i < MANY; i += 1) {
      await alice.send(xml('message', { to: BOB, type: 'chat', id: `m-${i}` }, xml('body', {}, `m-${i}`)));
      // Fewer under way than the gate holds of one sender.
      if (i % 500 === 499) await first.event('outcome', { n: await first.held(`m-${i}`) });
    }
    first.cut();
    await until(() => first.link.isOver, { what: 'the end' });
    const next = await stage.attach();
    next.answersPings = false;
    next.verdict = () => 'stored';
    const ready = next.enable({ process: 'p2' });
    await until(() => next.pings.length === 1, { what: 'the question whether it reads' });
    expect(next.received.join('').length).toBeLessThan(1.5e6);
    expect(next.events('ready')).toEqual([]);
    await alice.say(BOB, 'meanwhile');
    await bob.hears('meanwhile');
    expect(next.events('held')).toEqual([]);
    next.answersPings = true;
    next.pong(next.pings[0] as string);
    const told = await ready;
    expect(
      new Set(told.filter(({ name }) => name === 'outcome').map(({ attrs }) => attrs.n)).size,
    ).toBeGreaterThanOrEqual(MANY);
    expect(told.filter(({ name }) => name === 'unheld').map(({ attrs }) => attrs.to)).toContain(BOB);
    await alice.say(BOB, 'held again');
    await next.held('held again');
    await bob.hears('held again');
    await next.forgetAll();
    await stage.empty();
  });
});
