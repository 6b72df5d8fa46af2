import { readFileSync } from 'node:fs';
import { loadConfig } from '../../src/config/config.ts';
import { BYTES, checkMemory } from '../../src/doctor/memory-plan.ts';

const SIZE = /^### Size$.*?(?=^## )/ms.exec(
  readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8'),
)?.[0] as string;

test('the check plans memory by the formula of docs/operations.md, and as its example says', () => {
  expect(SIZE).toContain(`${BYTES.digest} bytes x messages a day x (days of \`DEDUP_WINDOW\` + an eighth)`);
  expect(SIZE).toContain(`${BYTES.ended} bytes x messages in the busiest half hour`);
  const [, bytes, text, apart] =
    /pending messages x \((\d+) bytes \+ their text\): a message of (\d+) bytes takes \d+, .* to (\d+) more/.exec(
      SIZE,
    ) as RegExpExecArray;
  expect(Number(bytes) + Number(text) + Number(apart)).toBe(BYTES.pending);

  const [, aDay] = /check --messages-a-day (\d+)$/m.exec(SIZE) as RegExpExecArray;
  const [, digests, ended, pending] = /messages a day take (\d+) \+ (\d+) \+ (\d+) MB/.exec(SIZE) as RegExpExecArray;
  const mebibytes = ((Number(digests) + Number(ended) + Number(pending)) * 1e6) / 2 ** 20;
  const config = loadConfig({ XMPP_COMPONENT_DOMAIN: 'receipts.example.org', XMPP_COMPONENT_SECRET: 'secret' });
  const findings = checkMemory({ used: 0, limit: 2 ** 30, machine: 2 ** 32 }, config, Number(aDay));
  const plan = findings.find(({ id }) => id === 'redis.memory.plan');
  expect(plan?.text).toContain(`about ${Math.round(mebibytes)} MiB`);
});
