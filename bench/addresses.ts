/** Who takes part: alice writes, the component stands in for bob, bob's client answers. */
export const SERVED = 'example.org';
export const COMPONENT = 'receipts.example.org';
export const SECRET = 'bench';
export const ALICE = `alice@${SERVED}/phone`;
export const BOB_PROXIED = `bob@${COMPONENT}`;
export const BOB = `bob@${SERVED}`;
export const BOB_CLIENT = `${BOB}/desk`;
export const ALICE_PROXIED = `alice@${COMPONENT}/phone`;

/** Text of 300 bytes, as a chat message of some length has. */
export const BODY = 'All work and no play makes the relay a dull box; it carries on. '.repeat(5).slice(0, 300);
