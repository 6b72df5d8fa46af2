// Imports go downwards only: main, cli → start → app → console → routing, jobs, iq, commands, health, http, metrics and tracing → delivery → presence and gate →
// store and xmpp/connection → config and addressing → xmpp/stanza → util. Rooms on one floor do not know each other, and a room may know
// those of any floor below it.
const floors = [
  ['console', 'doctor'],
  ['routing', 'jobs', 'iq', 'commands', 'health', 'http', 'metrics', 'tracing'],
  ['delivery'],
  ['presence', 'gate'],
  ['store', 'xmpp/connection'],
  // Settings are checked with what reads durations and addresses.
  ['config', 'addressing'],
  ['xmpp/stanza'],
  ['util'],
];
const below = Object.fromEntries(
  floors.flatMap((floor, level) => floor.map((room) => [room, floors.slice(level + 1).flat()])),
);
// Looks at the surroundings, with a connection of its own to each.
below.doctor = ['store', 'xmpp/connection', 'xmpp/stanza', 'config', 'util'];
// What it needs of delivery and of presence, the app hands to it.
below.commands = ['store', 'addressing', 'xmpp/stanza', 'util', 'config'];
below.health = ['store', 'xmpp/stanza', 'util', 'config'];
// Shows queues and figures, and knows of no room.
below.http = ['util', 'config'];
below.metrics = ['util', 'config'];
below.tracing = ['xmpp/stanza', 'util'];
// Shows what others know; all that it does goes through what the commands have.
below.console = ['commands', 'health', 'metrics', 'store', 'addressing', 'xmpp/stanza', 'util', 'config'];
const rooms = Object.keys(below);

module.exports = {
  forbidden: [
    ...rooms.map((room) => ({
      name: `${room.replace('/', '-')}-knows-only-what-is-below`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: {
        path: `^src/(${rooms.filter((other) => other !== room && !below[room].includes(other)).join('|')})/`,
      },
    })),
    {
      name: 'only-delivery-gate-knows-the-gate',
      comment: 'Without a gate, what is there of delivery is all but that folder.',
      severity: 'error',
      from: { path: '^src/delivery/', pathNot: '^src/delivery/gate/' },
      to: { path: '^src/gate/' },
    },
    {
      name: 'redelivery-does-not-know-the-gate',
      severity: 'error',
      from: { path: '^src/delivery/redelivery/' },
      to: { path: '^src/delivery/gate/' },
    },
    {
      name: 'only-the-app-knows-what-the-store-is-made-of',
      comment: 'All others speak to store/contract.ts; the doctor looks at the Redis behind it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(app[.]ts$|app/|doctor/|store/redis/)' },
      to: { path: '^src/store/redis/' },
    },
    {
      name: 'rooms-do-not-know-the-house',
      severity: 'error',
      from: { path: '^src/.+/', pathNot: '^src/app/' },
      to: { path: '^src/((main|cli|start|check-setup|try-out|show-config|load-settings|app)[.]ts$|app/)' },
    },
    {
      name: 'the-apps-parts-do-not-know-the-app',
      severity: 'error',
      from: { path: '^src/app/' },
      to: { path: '^src/(main|cli|start|check-setup|try-out|show-config|load-settings|app)[.]ts$' },
    },
    {
      name: 'the-app-does-not-know-who-starts-it',
      severity: 'error',
      from: { path: '^src/app[.]ts$' },
      to: { path: '^src/(main|cli|start|check-setup|try-out|show-config|load-settings)[.]ts$' },
    },
    {
      name: 'stanza-is-pure',
      comment: 'No I/O where addresses, states and XML are dealt with.',
      severity: 'error',
      from: { path: '^src/xmpp/stanza/' },
      to: { path: '^(node:)?(net|tls|fs|http|https|dgram|child_process)(/|$)|ioredis|bullmq|@xmpp/component' },
    },
    {
      name: 'the-protocol-stands-alone',
      comment: 'Names of the wire, which the component and the client library both compile in.',
      severity: 'error',
      from: { path: '^packages/protocol/' },
      to: { pathNot: '^packages/protocol/' },
    },
    {
      name: 'the-client-is-a-package-of-its-own',
      severity: 'error',
      from: { path: '^packages/client/' },
      to: { pathNot: '^(packages/(client|protocol)/|node_modules/)', dependencyTypesNot: ['core'] },
    },
    {
      name: 'the-component-does-not-know-the-client',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^packages/client/' },
    },
    {
      name: 'client-runs-in-browsers',
      comment: 'Only the file store, an entry of its own, is for Node.',
      severity: 'error',
      from: { path: '^packages/client/', pathNot: '^packages/client/src/file-store[.]ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'file-store-stands-alone',
      severity: 'error',
      from: { path: '^packages/client/' },
      to: { path: '^packages/client/src/file-store[.]ts$' },
    },
    {
      name: 'redis-is-the-stores',
      comment: 'Only store/redis speaks to Redis; the jobs speak through BullMQ.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/store/redis/' },
      to: { path: 'node_modules/ioredis' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '[.]d[.]ts$|^src/console/assets/' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^packages/[^/]+/dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
