import { GOAL, measure } from '../../tools/size.ts';

test('the client library is small, and nothing of it but @xmpp/client is imported', async () => {
  // It is bundled for browsers, where an import of Node's could not be resolved.
  const { gzipped, imports } = await measure();
  expect(gzipped).toBeLessThanOrEqual(GOAL);
  expect(imports).toEqual(['@xmpp/client']);
});
