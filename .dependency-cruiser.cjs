// Imports run one way: main → proxy → queues and queries → receipts → presence → ledger and link → stanza; and proxy →
// commands → ledger. A room may know those below it.
const rooms = ['stanza', 'ledger', 'link', 'presence', 'receipts', 'queries', 'queues', 'commands', 'http'];
const below = {
  stanza: [],
  ledger: ['stanza'],
  link: ['stanza'],
  presence: ['stanza', 'ledger'],
  receipts: ['stanza', 'ledger', 'link', 'presence'],
  queries: ['stanza', 'ledger', 'receipts'],
  queues: ['stanza', 'ledger', 'receipts'],
  // What it needs of the rooms above the ledger, the proxy hands to it.
  commands: ['stanza', 'ledger'],
  // Shows queues and figures, and knows of no room.
  http: [],
};

module.exports = {
  forbidden: [
    ...rooms.map((room) => ({
      name: `${room}-knows-only-what-is-below`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: `^src/(${rooms.filter((other) => other !== room && !below[room].includes(other)).join('|')})/` },
    })),
    {
      name: 'rooms-do-not-know-the-house',
      severity: 'error',
      from: { path: '^src/.+/' },
      to: { path: '^src/(main|proxy|connections|office)[.]ts$' },
    },
    {
      name: 'stanza-is-pure',
      comment: 'No I/O where addresses, states and XML are dealt with.',
      severity: 'error',
      from: { path: '^src/stanza/' },
      to: { path: '^(node:)?(net|tls|fs|http|https|dgram|child_process)(/|$)|ioredis|bullmq|@xmpp/component' },
    },
    {
      name: 'redis-is-the-ledgers',
      comment: 'Only the ledger and what opens connections for it speak to Redis; queues speak through BullMQ.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(ledger/|connections[.]ts$)' },
      to: { path: 'node_modules/ioredis' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: '[.]d[.]ts$' }, to: {} },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
