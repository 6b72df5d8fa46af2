import { LateCallError } from '../../src/store/redis/ledger.ts';
import type { Operation } from '../../src/store/redis/operations.ts';
import { Pipeline, type PipelineOptions } from '../../src/store/redis/pipeline.ts';

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

describe('an operation that Redis rejects for its content', () => {
  const rejects = (bad: string) => {
    const calls: string[][] = [];
    const turns = {
      turn: async (operations: readonly Operation<unknown>[]) => {
        const names = operations.map(({ args }) => String(args[0]));
        calls.push(names);
        if (!names.includes(bad)) return names.map((name) => `${name}!`);
        throw Object.assign(new Error('ERR user_script:1: too many results to unpack'), { name: 'ReplyError' });
      },
    };
    return { calls, turns };
  };

  test('is found by halving and set aside alone; the others are carried out, in order', async () => {
    const { turns, calls } = rejects('bad');
    let setAside = 0;
    const pipeline = new Pipeline(turns, { log: silent, onSetAside: () => (setAside += 1) });
    const happened: string[] = [];
    for (const name of ['a', 'b', 'c', 'bad', 'd', 'e', 'f', 'g']) {
      pipeline.push({
        operation: { args: [name], grows: false, decode: (reply) => reply },
        done: (reply) => happened.push(reply),
        refuse: () => happened.push(`${name} refused`),
      });
    }
    await pipeline.drained();
    expect(happened).toEqual(['a!', 'b!', 'c!', 'bad refused', 'd!', 'e!', 'f!', 'g!']);
    expect(setAside).toBe(1);
    expect(calls.filter((names) => names.includes('bad'))).toHaveLength(4);
    expect(pipeline.failing).toBe(false);
  });

  test('is told to whoever waits for it', async () => {
    const { turns } = rejects('bad');
    const pipeline = new Pipeline(turns, { log: silent });
    const performed = pipeline.perform({ args: ['bad'], grows: false, decode: (reply: string) => reply });
    await expect(performed).rejects.toThrow('too many results');
  });

  test('fails alone as well when the script names it', async () => {
    const turns = { turn: async () => ['a!', '\0WRONGTYPE ...', 'c!'] };
    const pipeline = new Pipeline(turns, { log: silent });
    const happened: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      pipeline.push({
        operation: { args: [name], grows: false, decode: (reply) => reply },
        done: (reply) => happened.push(reply),
        refuse: () => happened.push(`${name} refused`),
      });
    }
    await pipeline.drained();
    expect(happened).toEqual(['a!', 'b refused', 'c!']);
  });
});

test('a call has a bounded size, however much waits', async () => {
  const sizes: number[] = [];
  const turns = {
    turn: async (operations: readonly Operation<unknown>[]) => {
      sizes.push(operations.reduce((sum, { args }) => sum + args.length, 0));
      return operations.map(() => '');
    },
  };
  const pipeline = new Pipeline(turns, { log: silent });
  let done = 0;
  for (let i = 0; i < 300; i += 1) {
    const args = Array.from({ length: 100 }, () => 'x');
    pipeline.push({ operation: { args, grows: false, decode: () => '' }, done: () => (done += 1) });
  }
  await pipeline.drained();
  expect(done).toBe(300);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(4000);
});

test('a call that Redis was late with is made again at once, and is no failure', async () => {
  let calls = 0;
  const turns = {
    turn: async (operations: readonly Operation<unknown>[]) => {
      calls += 1;
      if (calls < 3) throw new LateCallError();
      return operations.map(() => 'done');
    },
  };
  const failing: boolean[] = [];
  const pipeline = new Pipeline(turns, { log: silent, onFailing: (now) => failing.push(now) });
  expect(await pipeline.perform({ args: ['a'], grows: false, decode: (reply: string) => reply })).toBe('done');
  expect(failing).toEqual([]);
});

test('what Redis was last heard of is told', async () => {
  const { ledger, pipeline, settle } = setUp();
  expect(pipeline.health).toEqual({ lastSuccessAt: undefined, failingSince: undefined, fault: undefined });
  settle('a');
  (await ledger.call(0)).fail('READONLY You cannot write');
  await ledger.call(1);
  expect(pipeline.health).toMatchObject({ failingSince: expect.any(Number), fault: { code: 'READONLY' } });
  (await ledger.call(1)).answer();
  await pipeline.drained();
  expect(pipeline.health).toMatchObject({
    lastSuccessAt: expect.any(Number),
    failingSince: undefined,
    fault: undefined,
  });
});

test('what must follow an operation at once follows before anything of what came behind it', async () => {
  const { ledger, pipeline, settle, happened } = setUp();
  const claimed = pipeline.perform({ args: ['claim'], grows: false, decode: (reply: string) => reply }, (reply) =>
    happened.push(`took ${reply}`),
  );
  settle('receipt');
  (await ledger.call(0)).answer();
  await claimed;
  expect(happened).toEqual(['took claim!', 'receipt!']);
});
