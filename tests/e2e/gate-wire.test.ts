import { type Comparison, gateDialogue, SHOWN } from '../support/gate/gate-dialogue.ts';
import { GateStage } from '../support/gate/gate-stage.ts';
import { BareComponent } from '../support/openfire/bare-component.ts';

/** Rule 25 of the gate: nothing else changes. The same dialogue is held without and with it, and compared stanza by stanza. */
const OTHER = { domain: 'other.example.org', secret: 'other' };
const MUC = 'Component "muc.example.org" "muc"\n  muc_room_default_history_length = 0\n';

async function held(gate: boolean): Promise<{ steps: Comparison; shown: string[] }> {
  const stage = await GateStage.open({ gate, components: [OTHER], hosts: MUC });
  const other = await BareComponent.connect(stage.server.componentPort, OTHER.domain, OTHER.secret);
  const component = gate ? await stage.hold() : await stage.attach();
  component.verdict = () => 'stored';
  const steps = await gateDialogue({
    domain: stage.domain,
    muc: 'muc.example.org',
    login: (username, resource, options) => stage.user(username, resource, options),
    other,
    settled: () => (gate ? component.settled() : Promise.resolve()),
  });
  const shown = component.events('held').map((event) => event.getChild('message')?.attrs.id as string);
  await stage.close();
  return { steps, shown: shown.sort() };
}

test('wire-comparison-covers-each: every client is sent the same with the gate and without', async () => {
  const without = await held(false);
  const withGate = await held(true);
  expect(withGate.shown).toEqual(SHOWN);
  expect(withGate.steps).toEqual(without.steps);
});
