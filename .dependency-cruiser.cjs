// Imports run one way: main → proxy → queues and queries → receipts → presence → ledger and link → stanza; and proxy →
// commands, health → ledger. A room may know those below it.
const rooms = [
  'stanza',
  'ledger',
  'link',
  'presence',
  'receipts',
  'queries',
  'queues',
  'commands',
  'health',
  'http',
  'client',
];
const below = {
  stanza: [],
  ledger: ['stanza'],
  link: ['stanza'],
  presence: ['stanza', 'ledger'],
  receipts: ['stanza', 'ledger', 'link', 'presence'],
  queries: ['stanza', 'ledger', 'link', 'receipts'],
  queues: ['stanza', 'ledger', 'receipts'],
  // What it needs of the rooms above the ledger, the proxy hands to it.
  commands: ['stanza', 'ledger'],
  health: ['stanza', 'ledger'],
  // Shows queues and figures, and knows of no room.
  http: [],
  // A library of its own, for other programs; it takes the names of namespaces, and no code.
  client: ['stanza'],
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
      to: { path: '^src/(main|proxy|connections|office|watch)[.]ts$' },
    },
    {
      name: 'stanza-is-pure',
      comment: 'No I/O where addresses, states and XML are dealt with.',
      severity: 'error',
      from: { path: '^src/stanza/' },
      to: { path: '^(node:)?(net|tls|fs|http|https|dgram|child_process)(/|$)|ioredis|bullmq|@xmpp/component' },
    },
    {
      name: 'client-takes-names-alone',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^src/stanza/', pathNot: '^src/stanza/namespaces[.]ts$' },
    },
    {
      name: 'client-runs-in-browsers',
      comment: 'Only the file store, an entry of its own, is for Node.',
      severity: 'error',
      from: { path: '^src/client/', pathNot: '^src/client/file-store[.]ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'file-store-stands-alone',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^src/client/file-store[.]ts$' },
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
