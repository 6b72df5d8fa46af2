import { createRequire } from 'node:module';
import path from 'node:path';

// The one that jest itself uses, which is no dependency of ours but of its configuration's.
const inJest = createRequire(createRequire(import.meta.url).resolve('jest'));
const inConfig = createRequire(createRequire(inJest.resolve('@jest/core')).resolve('jest-config'));
const { default: Sequencer } = inConfig('@jest/test-sequencer');

/** Test files that take 10 s or more, the longest first (JEST_SLOWEST=40 npm test). */
const LONGEST = [
  'e2e/process-lifecycle',
  'e2e/demo-page',
  'e2e/loss',
  'e2e/demo',
  'integration/readiness',
  'integration/link-flow-control',
  'integration/failover',
  'e2e/silent-devices',
  'e2e/transparent-failures',
  'e2e/crash',
  'e2e/client-browser',
  'e2e/smack',
  'e2e/openfire-specifics',
  'e2e/message-log',
  'e2e/contacts',
  'integration/store-differential',
  'e2e/support-run-ends',
  'e2e/queues',
  'e2e/presence',
  'e2e/duplicate-after-end',
  'e2e/client',
  'e2e/outages',
  'e2e/message-endings',
  'e2e/support-servers',
  'e2e/gate-failures',
];
const FOLDERS = ['e2e', 'integration', 'abuse', 'unit'];

/** The longest files first, then those with servers: the workers end at about the same time, also where no cache tells how long each took. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    // Within a rank the order stays jest's own.
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}

function rank(test) {
  const name = path.relative(path.join(test.context.config.rootDir, 'tests'), test.path).replaceAll(path.sep, '/');
  const place = LONGEST.indexOf(name.replace(/\.test\.ts$/, ''));
  return place >= 0 ? place : LONGEST.length + FOLDERS.indexOf(name.split('/')[0]);
}
