import {
  LateCallError,
  OperationError,
  type Outcome,
  type Request,
  renewLease,
  requeue,
  senderAvailable,
  UnreadableReplyError,
} from '../../src/store/contract.ts';
import { encode } from '../../src/store/redis/codec/requests.ts';
import { OwnersWork } from '../../src/store/redis/owners-work.ts';
import { Pipeline, type PipelineOptions } from '../../src/store/redis/pipeline.ts';

/** A request whose reply is a text; a name tells which. */
const named = (name: string) => senderAvailable(name, '0');
/** One that only adds. */
const adding = (name: string) => requeue(name);
const nameOf = (request: Request) => ('user' in request ? request.user : 'key' in request ? request.key : '');

const silent = { info: () => {}, warn: () => {}, error: () => {} };

interface Scripted {
  readonly names: string[];
  readonly answer: (word?: string) => void;
  readonly fail: (fault?: string | Error) => void;
}

/** A ledger whose every call is answered, or fails, when the test says so. */
class ScriptedLedger {
  readonly calls: Scripted[] = [];
  #wake: (() => void)[] = [];

  batch(requests: readonly Request[]): Promise<Outcome[]> {
    const names = requests.map(nameOf);
    return new Promise((resolve, reject) => {
      this.calls.push({
        names,
        answer: (word = '!') => resolve(names.map((name) => `${name}${word}`)),
        fail: (fault = 'Connection is closed') => reject(typeof fault === 'string' ? new Error(fault) : fault),
      });
      for (const wake of this.#wake.splice(0)) wake();
    });
  }

  async call(number: number): Promise<Scripted> {
    while (this.calls.length <= number) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this.calls[number]!;
  }
}

function setUp(options: Partial<PipelineOptions> = {}) {
  const ledger = new ScriptedLedger();
  const pipeline = new Pipeline(ledger, { log: silent, ...options });
  const happened: string[] = [];
  return {
    ledger,
    pipeline,
    happened,
    /** A message: it may be refused. */
    accept: (name: string) =>
      pipeline.push({
        request: adding(name),
        done: (reply) => happened.push(String(reply)),
        refuse: () => happened.push(`${name} refused`),
      }),
    /** A receipt: it may not. */
    settle: (name: string) => pipeline.push({ request: named(name), done: (reply) => happened.push(reply) }),
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

test('while a call is under way, what comes goes in another at once only when it is a third of a whole one', async () => {
  const { ledger, accept, happened, pipeline } = setUp({ batch: 30 });
  accept('a');
  const first = await ledger.call(0);
  const few = Array.from({ length: 9 }, (_, i) => `few${i}`);
  for (const name of few) accept(name);
  await turn();
  await turn();
  expect(ledger.calls).toHaveLength(1);
  first.answer();
  const second = await ledger.call(1);
  expect(second.names).toEqual(few);
  const many = Array.from({ length: 10 }, (_, i) => `many${i}`);
  for (const name of many) accept(name);
  const third = await ledger.call(2);
  expect(third.names).toEqual(many);
  third.answer();
  second.answer();
  await pipeline.drained();
  expect(happened).toEqual(['a', ...few, ...many].map((name) => `${name}!`));
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
  (await ledger.call(3)).answer();
  await pipeline.drained();
  expect(happened).toEqual(['a!', 'b!', 'c!']);
  expect(pipeline.failing).toBe(false);
});

test('what may be refused is refused when its timeout is over; receipts wait until Redis is back', async () => {
  const { ledger, accept, settle, pass, happened, pipeline } = setUp({ timeout: 0 });
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

test('what Redis keeps less safely than is demanded is refused and taken back, and only then; others are not', async () => {
  const failing: boolean[] = [];
  const { ledger, settle, happened, pipeline } = setUp({ onFailing: (is) => failing.push(is) });
  const request = { kind: 'accept', key: 'a' } as Request;
  const withdraw = () => named('withdrawn');
  pipeline.push({ request, done: () => happened.push('a stored'), refuse: () => happened.push('a refused'), withdraw });
  settle('b');
  (await ledger.call(0)).fail('DURABILITY 0 of 1 replicas have confirmed in time');
  const again = await ledger.call(1);
  expect(again.names).toEqual(['b']);
  again.answer();
  (await ledger.call(2)).answer();
  await pipeline.drained();
  expect(ledger.calls[2]!.names).toEqual(['withdrawn']);
  expect(happened).toEqual(['a refused', 'b!']);
  // Calls that store no message say nothing of it.
  expect(pipeline.health.fault?.code).toBe('DURABILITY');
  pipeline.kept();
  expect(failing).toEqual([true, false]);
  pipeline.close();
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
    request: named('bad'),
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
  const { ledger, pipeline } = setUp({ timeout: 0 });
  const first = pipeline.perform(named('a'));
  (await ledger.call(0)).answer();
  expect(await first).toBe('a!');
  const second = pipeline.perform(named('a'));
  (await ledger.call(1)).fail();
  await expect(second).rejects.toThrow('Redis does not answer');
});

describe('an operation that Redis rejects for its content', () => {
  const rejects = (bad: string) => {
    const calls: string[][] = [];
    const store = {
      batch: async (requests: readonly Request[]) => {
        const names = requests.map(nameOf);
        calls.push(names);
        if (!names.includes(bad)) return names.map((name) => `${name}!`);
        throw Object.assign(new Error('ERR user_script:1: too many results to unpack'), { name: 'ReplyError' });
      },
    };
    return { calls, store };
  };

  test('is found by halving and set aside alone; the others are carried out, in order', async () => {
    const { store, calls } = rejects('bad');
    let setAside = 0;
    const pipeline = new Pipeline(store, { log: silent, onSetAside: () => (setAside += 1) });
    const happened: string[] = [];
    for (const name of ['a', 'b', 'c', 'bad', 'd', 'e', 'f', 'g']) {
      pipeline.push({
        request: named(name),
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
    const { store } = rejects('bad');
    const pipeline = new Pipeline(store, { log: silent });
    const performed = pipeline.perform(named('bad'));
    await expect(performed).rejects.toThrow('too many results');
  });

  test('fails alone as well when the script names it', async () => {
    const store = { batch: async () => ['a!', new OperationError('WRONGTYPE ...'), 'c!'] };
    const pipeline = new Pipeline(store, { log: silent });
    const happened: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      pipeline.push({
        request: named(name),
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
  const store = {
    batch: async (requests: readonly Request[]) => {
      const args: (string | number)[] = [];
      for (const request of requests) encode(request, args);
      sizes.push(args.length);
      return requests.map(() => undefined);
    },
  };
  const pipeline = new Pipeline(store, { log: silent });
  let done = 0;
  for (let i = 0; i < 300; i += 1) {
    const waiting = Array.from({ length: 48 }, () => ({ key: 'x', attempt: 1 }));
    pipeline.push({ request: renewLease(waiting, 1), done: () => (done += 1) });
  }
  await pipeline.drained();
  expect(done).toBe(300);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(4000);
});

test('a call that Redis was late with is made again at once, and is no failure', async () => {
  let calls = 0;
  const store = {
    batch: async (requests: readonly Request[]) => {
      calls += 1;
      if (calls < 3) throw new LateCallError();
      return requests.map(() => 'done');
    },
  };
  const failing: boolean[] = [];
  const pipeline = new Pipeline(store, { log: silent, onFailing: (now) => failing.push(now) });
  expect(await pipeline.perform(named('a'))).toBe('done');
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
  const claimed = pipeline.perform(named('claim'), (reply) => happened.push(`took ${reply}`));
  settle('receipt');
  (await ledger.call(0)).answer();
  await claimed;
  expect(happened).toEqual(['took claim!', 'receipt!']);
});

test('a reply that cannot be read stops its own work alone, and is logged with its operation', async () => {
  const logged: unknown[] = [];
  const log = { ...silent, error: (fields: object, message: string) => logged.push([fields, message]) };
  const unreadable = new UnreadableReplyError('no reply');
  const pipeline = new Pipeline({ batch: async () => ['a!', unreadable, 'c!'] }, { log });
  const happened: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    pipeline.push({
      request: named(name),
      done: (reply) => happened.push(reply),
      failed: (error) => happened.push(`${name} failed: ${error.message}`),
    });
  }
  await pipeline.drained();
  expect(happened).toEqual(['a!', 'b failed: no reply', 'c!']);
  expect(logged).toEqual([[{ err: unreadable, operation: 'senderAvailable' }, 'A reply of Redis cannot be read']]);
  expect(pipeline.failing).toBe(false);
});

test('what may be refused is, when its reply cannot be read, and what may have been stored is taken back', async () => {
  const called: string[][] = [];
  const pipeline = new Pipeline(
    {
      batch: async (requests) => {
        called.push(requests.map(nameOf));
        return requests.map((_, i) => (i === 0 && called.length === 1 ? new UnreadableReplyError('no reply') : 'b!'));
      },
    },
    { log: silent },
  );
  const happened: string[] = [];
  const work = new OwnersWork();
  const push = (name: string) =>
    pipeline.push(
      work.begin(
        {
          request: named(name),
          done: (reply) => happened.push(String(reply)),
          refuse: () => happened.push(`${name} refused`),
          withdraw: () => named(`not ${name}`),
        },
        'alice',
        pipeline,
      ),
    );
  push('a');
  push('b');
  await pipeline.drained();
  expect(happened).toEqual(['a refused', 'b!']);
  expect(called).toEqual([['a', 'b'], ['not a']]);
  expect([...work.all()]).toEqual([]);
});

test('while a call is made again, nothing that came behind it goes to Redis', async () => {
  const { ledger, settle, happened, pipeline } = setUp({ batch: 3 });
  settle('receipt');
  const first = await ledger.call(0);
  first.fail();
  await turn();
  // As much as makes a second call otherwise.
  for (const name of ['claim', 'another', 'third']) settle(name);
  await turn();
  const again = await ledger.call(1);
  expect(again.names).toEqual(['receipt']);
  await turn();
  expect(ledger.calls).toHaveLength(2);
  again.answer();
  (await ledger.call(2)).answer();
  await pipeline.drained();
  expect(happened).toEqual(['receipt!', 'claim!', 'another!', 'third!']);
});

test('of two calls that failed, the later one is made again when the earlier is through', async () => {
  const { ledger, settle, happened, pipeline } = setUp({ batch: 3 });
  settle('receipt');
  const first = await ledger.call(0);
  for (const name of ['claim', 'another', 'third']) settle(name);
  const second = await ledger.call(1);
  second.fail();
  await turn();
  first.fail();
  const again = await ledger.call(2);
  expect(again.names).toEqual(['receipt']);
  again.answer();
  const last = await ledger.call(3);
  expect(last.names).toEqual(['claim', 'another', 'third']);
  last.answer();
  await pipeline.drained();
  expect(happened).toEqual(['receipt!', 'claim!', 'another!', 'third!']);
});

test('however much waits, what is performed for an owner overtakes nothing of his', async () => {
  const { ledger, pipeline, happened } = setUp({ batch: 2 });
  const push = (name: string, owner: string) =>
    pipeline.push({ request: named(name), owner, done: (reply) => happened.push(reply) });
  for (let i = 0; i < 40; i += 1) push(`${i}`, 'bob');
  push('receipt', 'bob');
  const claimed = pipeline.perform(named('claim'), (reply) => happened.push(reply), 'bob');
  for (let i = 0; happened.length < 42; i += 1) {
    (await ledger.call(i)).answer();
    await turn();
  }
  await claimed;
  expect(happened.slice(-2)).toEqual(['receipt!', 'claim!']);
});

describe('a call behind one that is made again', () => {
  const behind = ['b1', 'b2', 'b3'];
  const later = ['c1', 'c2', 'c3'];

  async function twoUnderWay() {
    const set = setUp({ batch: 3 });
    set.settle('a');
    const first = await set.ledger.call(0);
    for (const name of behind) set.settle(name);
    const second = await set.ledger.call(1);
    return { ...set, first, second };
  }

  const faults: [string, Error][] = [
    ['lost', new Error('Command timed out')],
    ['rejected for the state of Redis', new Error('LOADING Redis is loading the dataset in memory')],
    ['late', new LateCallError()],
  ];

  test.each(faults)('is made again in its turn when the first was %s, and its new reply counts', async (_, fault) => {
    const { ledger, first, second, settle, happened, pipeline } = await twoUnderWay();
    first.fail(fault);
    second.answer('early');
    await turn();
    // Nor does anything else go between them.
    for (const name of later) settle(name);
    const again = await ledger.call(2);
    expect(again.names).toEqual(['a']);
    again.answer();
    const secondAgain = await ledger.call(3);
    expect(secondAgain.names).toEqual(behind);
    await turn();
    expect(ledger.calls).toHaveLength(4);
    secondAgain.answer();
    const last = await ledger.call(4);
    expect(last.names).toEqual(later);
    last.answer();
    await pipeline.drained();
    expect(happened).toEqual(['a', ...behind, ...later].map((name) => `${name}!`));
  });

  test('is made again also when it is answered only after that one was', async () => {
    const { ledger, first, second, happened, pipeline } = await twoUnderWay();
    first.fail();
    const again = await ledger.call(2);
    again.answer();
    await turn();
    second.answer('early');
    const secondAgain = await ledger.call(3);
    expect(secondAgain.names).toEqual(behind);
    secondAgain.answer();
    await pipeline.drained();
    expect(happened).toEqual(['a', ...behind].map((name) => `${name}!`));
  });

  test('is made again once when it failed itself', async () => {
    const { ledger, first, second, happened, pipeline } = await twoUnderWay();
    first.fail();
    second.fail();
    (await ledger.call(2)).answer();
    (await ledger.call(3)).answer();
    await pipeline.drained();
    expect(ledger.calls.map(({ names }) => names)).toEqual([['a'], behind, ['a'], behind]);
    expect(happened).toEqual(['a', ...behind].map((name) => `${name}!`));
  });

  test('is refused when its timeout is over, where it may be, and not acknowledged by its early reply', async () => {
    const { ledger, accept, settle, happened, pipeline } = setUp({ batch: 3, timeout: 0 });
    settle('a');
    const first = await ledger.call(0);
    accept('message');
    for (const name of ['b', 'c']) settle(name);
    const second = await ledger.call(1);
    first.fail();
    second.answer('early');
    (await ledger.call(2)).fail();
    (await ledger.call(3)).answer();
    const secondAgain = await ledger.call(4);
    expect(secondAgain.names).toEqual(['b', 'c']);
    secondAgain.answer();
    await pipeline.drained();
    expect(happened).toEqual(['message refused', 'a!', 'b!', 'c!']);
  });
});
