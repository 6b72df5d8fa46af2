import { serve } from './child.ts';
import { acknowledgement, deliveryReceipt, forward, startStock } from './stock.ts';

/** (a) A bare relay: the same five stanzas a message, and nothing stored. */
serve((setting) =>
  startStock(setting, (stock) => ({
    message: async (id, stanza) => {
      await stock.send(acknowledgement(id, stanza));
      await stock.send(forward(stanza));
    },
    receipt: async (id, stanza) => {
      await stock.send(deliveryReceipt(id, stanza));
    },
  })),
);
