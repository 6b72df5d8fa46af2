// What a gate let pass unheld, and the receipts for it.

import { Gate, type GateOptions } from '../../src/gate/gate.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const NS = 'urn:openfire-receipts:gate:1';
const RECEIPT = { to: 'a@s/x', by: 'b@s/phone' };

/** A gate that tells of messages from a@s/x to b@s under this id, and the receipts that follow when that is stored. */
function passed(id: string, ...confirmed: boolean[]): unknown[] {
  let written = '';
  const link = {
    send(xml: string) {
      written = xml;
      return { done: false };
    },
  };
  const counts = { gateUnheld: 0 };
  const log = { info: () => {}, warn: () => {} };
  const gate = new Gate({
    link,
    componentDomain: 'c.s',
    servedDomain: 's',
    log,
    clock: { now: () => 0 },
    counts,
  } as unknown as GateOptions);
  gate.online();
  const request = /id="([^"]*)"/.exec(written)?.[1];
  gate.take(
    parseStanza(
      `<iq type="result" from="s" to="c.s" id="${request}"><gate xmlns="${NS}"><enabled version="1" token="T" epoch="E"/></gate></iq>`,
    ),
  );
  const events = confirmed.map(
    (by) => `<unheld from="a@s/x" to="b@s" id="${id}"${by ? ' confirmed="b@s/phone"' : ''}><session id="P"/></unheld>`,
  );
  gate.take(
    parseStanza(`<message from="s" to="c.s"><gate xmlns="${NS}" token="T">${events.join('')}</gate></message>`),
  );
  const receipts: unknown[] = [];
  gate.on('unheldReceipt', (receipt) => receipts.push(receipt));
  gate.unheldStored('a@s', 'b@s', id);
  gate.close();
  return receipts;
}

const UNIQUE = '0b1c7a5e-9d2f-4c3b-8a61-5e7f90d1c2b3';

test('a receipt counts when what it is for is written again, and stored', () => {
  expect(passed(UNIQUE, false)).toEqual([]);
  expect(passed(UNIQUE, true)).toEqual([RECEIPT]);
  expect(passed(UNIQUE, false, true)).toEqual([RECEIPT]);
});

test('also when another of the same passed after it, but not under an id that a client may give another message', () => {
  expect(passed(UNIQUE, true, false)).toEqual([RECEIPT]);
  expect(passed('2', true, false)).toEqual([]);
});
