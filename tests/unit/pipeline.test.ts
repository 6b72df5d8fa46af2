import type { Operation } from '../../src/ledger/operations.ts';
import { Pipeline, type PipelineOptions } from '../../src/receipts/pipeline.ts';

const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** A ledger whose every call is answered, or fails, when the test says so. */
class ScriptedLedger {
  readonly calls: { names: string[]; answer: () => void; fail: (message?: string) => void }[] = [];
  #wake: (() => void)[] = [];

  turn(operations: readonly Operation<unknown>[]): Promise<string[]> {
    const names = operations.map(({ args }) => String(args[0]));
    return new Promise((resolve, reject) => {
      this.calls.push({
        names,
        answer: () => resolve(names.map((name) => `${name}!`)),
        fail: (message = 'Connection is closed') => reject(new Error(message)),
      });
      for (const wake of this.#wake.splice(0)) wake();
    });
  }

  async call(number: number): Promise<{ names: string[]; answer: () => void; fail: (message?: string) => void }> {
    while (this.calls.length <= number) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this.calls[number]!;
  }
}

function setUp(options: Partial<PipelineOptions> = {}) {
  const ledger = new ScriptedLedger();
  const pipeline = new Pipeline(ledger, { log: silent, ...options });
  const happened: string[] = [];
  const operation = (name: string, grows = false): Operation<string> => ({ args: [name], grows, decode: (r) => r });
  return {
    ledger,
    pipeline,
    happened,
    /** A message: it may be refused. */
    accept: (name: string) =>
      pipeline.push({
        operation: operation(name, true),
        done: (reply) => happened.push(reply),
        refuse: () => happened.push(`${name} refused`),
      }),
    /** A receipt: it may not. */
    settle: (name: string) => pipeline.push({ operation: operation(name), done: (reply) => happened.push(reply) }),
    pass: (name: string) => pipeline.push({ done: () => happened.push(name) }),
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('what arrives in one turn goes in one call, and follows in the order of arrival', async () => {
  const { ledger, accept, settle, pass, happened, pipeline } = setUp();
  accept('a');
  pass('between');
  settle('b');
  const call = await ledger.call(0);
  expect(call.names).toEqual(['a', 'b']);
  expect(happened).toEqual([]);
  call.answer();
  await pipeline.drained();
  expect(happened).toEqual(['a!', 'between', 'b!']);
});

test('a lone stanza without an operation passes within the turn', async () => {
  const { pass, happened } = setUp();
  pass('alone');
  await turn();
  expect(happened).toEqual(['alone']);
});

test('at most two calls are under way, and a later one that answers first waits for the earlier', async () => {
  const { ledger, accept, happened, pipeline } = setUp({ batch: 1 });
  for (const name of ['a', 'b', 'c']) accept(name);
  await turn();
  expect(ledger.calls).toHaveLength(2);
  ledger.calls[1]!.answer();
  await turn();
  expect(happened).toEqual([]);
  ledger.calls[0]!.answer();
  (await ledger.call(2)).answer();
  await pipeline.drained();
  expect(happened).toEqual(['a!', 'b!', 'c!']);
});

test('a call that fails is made again, with nothing lost and the order kept', async () => {
  const { ledger, accept, settle, happened, pipeline } = setUp({ batch: 2 });
  accept('a');
  settle('b');
  accept('c');
  (await ledger.call(0)).fail();
  (await ledger.call(1)).answer();
  const again = await ledger.call(2);
  expect(again.names).toEqual(['a', 'b']);
  again.answer();
  await pipeline.drained();
  expect(happened).toEqual(['a!', 'b!', 'c!']);
  expect(pipeline.failing).toBe(false);
});

test('what may be refused is refused when patience ends; receipts wait until Redis is back', async () => {
  const { ledger, accept, settle, pass, happened, pipeline } = setUp({ patience: 0 });
  accept('a');
  settle('b');
  pass('p');
  (await ledger.call(0)).fail();
  const again = await ledger.call(1);
  expect(pipeline.failing).toBe(true);
  expect(happened).toEqual(['a refused', 'p']);
  expect(again.names).toEqual(['b']);
  again.answer();
  await pipeline.drained();
  expect(happened).toEqual(['a refused', 'p', 'b!']);
});

test('at the memory limit messages are refused at once, and the receipts of the turn go through', async () => {
  const { ledger, accept, settle, happened, pipeline } = setUp();
  accept('a');
  settle('b');
  (await ledger.call(0)).fail("OOM command not allowed when used memory > 'maxmemory'.");
  const again = await ledger.call(1);
  expect(again.names).toEqual(['b']);
  again.answer();
  await pipeline.drained();
  expect(happened).toEqual(['a refused', 'b!']);
});

test('beyond its bounds it refuses new messages at once, and takes receipts', async () => {
  const { ledger, accept, settle, happened, pipeline } = setUp({ maxEntries: 1 });
  accept('a');
  accept('b');
  settle('c');
  expect(happened).toEqual(['b refused']);
  (await ledger.call(0)).answer();
  await pipeline.drained();
  expect(happened).toEqual(['b refused', 'a!', 'c!']);
});

test('one stanza that cannot be handled does not take the others of its turn with it', async () => {
  const { ledger, accept, pipeline, happened } = setUp();
  pipeline.push({
    operation: { args: ['bad'], grows: false, decode: () => undefined },
    done: () => {
      throw new Error('a fault');
    },
  });
  accept('a');
  (await ledger.call(0)).answer();
  await pipeline.drained();
  expect(happened).toEqual(['a!']);
});

test('perform gives the result, or rejects when it is refused', async () => {
  const { ledger, pipeline } = setUp({ patience: 0 });
  const first = pipeline.perform({ args: ['a'], grows: false, decode: (reply) => reply.length });
  (await ledger.call(0)).answer();
  expect(await first).toBe(2);
  const second = pipeline.perform({ args: ['a'], grows: false, decode: (reply) => reply });
  (await ledger.call(1)).fail();
  await expect(second).rejects.toThrow('Redis does not answer');
});
