import { buildPlugin, checkApi, testCore } from '../../tools/plugin.ts';

/** The Java of the plugin for Openfire: that it compiles, and the tests of its core. Without a JDK it is skipped. */
test('it compiles into a jar', () => {
  const { ok, missing, output } = buildPlugin();
  if (missing) console.info(`Skipped: ${output}`);
  else expect({ ok, output: ok ? '' : output }).toEqual({ ok: true, output: '' });
});

test('its core holds, orders and proves', () => {
  const { ok, missing, output } = testCore();
  if (missing) console.info(`Skipped: ${output}`);
  else expect({ ok, output: ok ? '' : output }).toEqual({ ok: true, output: '' });
  // The first time Maven fetches JUnit.
}, 300_000);

const { OPENFIRE_HOME } = process.env;
(OPENFIRE_HOME === undefined ? test.skip : test)('what it is compiled against is what Openfire has', () => {
  expect(checkApi(OPENFIRE_HOME ?? '')).toMatchObject({ ok: true });
});
