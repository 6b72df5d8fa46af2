// The other scripts by themselves, given what no process would give them.
import { LOOK, PROBE, REHEARSE, STATUS, SWEEP } from '../../../src/store/redis/scripts.ts';
import { type RedisServer, startRedis } from '../../support/servers/redis.ts';
import { keyOf } from '../../support/store/ledger.ts';
import { NOW, openScripts, recordOf, SWEEP_ARGUMENTS } from '../../support/store/scripts.ts';

let server: RedisServer;
let opened: ReturnType<typeof openScripts>;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => {
  opened = openScripts(server.url);
});
afterEach(() => opened.close());

const store = async (id: string, value = recordOf(id)) => {
  await opened.redis.set(opened.keys.record(keyOf(id)), value);
  await opened.redis.zadd(opened.keys.due, NOW - 1, keyOf(id));
};
const withoutPayload = (value: string) => value.slice(0, value.indexOf('\x1e'));

const DAMAGES: readonly (readonly [string, string])[] = [
  ['empty', ''],
  ['NUL bytes', '\0\0\0'],
  ['truncated in its head', recordOf('bad').slice(0, 12)],
  ['truncated in its fields', recordOf('bad').slice(0, 60)],
  ['without its payload', withoutPayload(recordOf('bad'))],
  ['of an unknown format', `9${recordOf('bad').slice(1)}`],
  ['of format 1, and broken', `p010000011795000000000{"k":}\n<body/>`],
];

describe('sweep', () => {
  const sweep = () => opened.call(SWEEP, ...SWEEP_ARGUMENTS);

  test.each(DAMAGES)('puts a record aside that is %s, with its bytes, and takes the others', async (_, value) => {
    await store('one');
    await store('bad', value);
    await store('two');
    const [stamp, damaged, ...taken] = await sweep();
    expect([stamp, damaged]).toEqual([`carried-out\0${'1'}\0${NOW}\0${'0'}`, `damaged\0${'1'}\0\0${keyOf('bad')}`]);
    const found = new Map(
      taken.map((reply) => {
        const [outcome, key, value] = reply.split('\0');
        expect(outcome).toBe('taken');
        return [key, value];
      }),
    );
    expect(taken).toHaveLength(2);
    for (const id of ['one', 'two']) expect(found.get(keyOf(id))).toBe(withoutPayload(recordOf(id)));
    expect(await opened.redis.get(opened.keys.quarantined(keyOf('bad')))).toBe(value);
  });

  test('leaves members that name nothing out of account, whatever is in them', async () => {
    await store('one');
    await opened.redis.zadd(opened.keys.due, 1, 'x\0y', '-inf', '', 2, '9'.repeat(500), NOW - 1, '\x1e'.repeat(22));
    const [, damaged, taken] = await sweep();
    expect([damaged, taken?.split('\0')[1]]).toEqual([`damaged\0${'0'}\0`, keyOf('one')]);
    expect(await opened.redis.zcard(opened.keys.due)).toBe(1);
  });

  test('without its arguments is rejected, and takes nothing', async () => {
    await store('one');
    const before = await opened.content();
    for (let count = 0; count < 4; count += 1) {
      await expect(opened.call(SWEEP, ...SWEEP_ARGUMENTS.slice(0, count))).rejects.toThrow(/ERR|user_script/);
    }
    expect(await opened.content()).toEqual(before);
  });

  test('is rejected where the due set is of another type, and takes that away from nobody', async () => {
    await opened.redis.set(opened.keys.due, 'something');
    await expect(sweep()).rejects.toThrow('WRONGTYPE');
    expect(await opened.redis.get(opened.keys.due)).toBe('something');
  });
});

describe.each([
  ['status', STATUS, ['none'], (record: string) => ['found', record]],
  ['look', LOOK, [], (record: string, due: number) => ['found', keyOf('one'), due, 0, 0, record]],
] as const)('%s', (_, script, nothing, found) => {
  test.each(DAMAGES)(
    'tells nothing of a record that is %s, all of the others, and changes nothing',
    async (__, value) => {
      await store('one');
      await store('bad', value);
      const before = await opened.content();
      const reply = await opened.call(script, '0', keyOf('bad'), keyOf('one'));
      expect(reply).toEqual([...nothing, found(withoutPayload(recordOf('one')), NOW - 1).join('\0')]);
      expect(await opened.content()).toEqual(before);
    },
  );

  test('takes any keys, and none', async () => {
    expect(await opened.call(script, '0')).toEqual([]);
    expect(await opened.call(script)).toEqual([]);
    for (const key of ['', 'a\0b', 'x'.repeat(100_000), '\x1e']) {
      expect(await opened.call(script, '1', key)).toEqual(nothing);
    }
  });

  test('reads a record of format 1, and leaves it as it is', async () => {
    const old = `p010000011795000000000{"k":"t","d":"digest","s":"a@example.org","r":"b@example.org","w":"m"}\n<body/>`;
    await store('old', old);
    const fields = ['a@example.org', '', 'b@example.org', '', 'm', '', '', '', 'digest', 't', '', '', '', ''];
    const [reply] = await opened.call(script, '0', keyOf('old'));
    expect(reply?.split('\0').at(-1)).toBe(`2p01000001${NOW}${fields.join('\x1f')}`);
    expect(await opened.redis.get(opened.keys.record(keyOf('old')))).toBe(old);
  });
});

describe('probe', () => {
  test('counts, and is rejected where its mark is of another type', async () => {
    expect(await opened.call(PROBE, 'one', 3, 1)).toBe(['mark', 'one', 1, 1, 3, 1].join('\0'));
    expect(await opened.call(PROBE, 'two', 3, 2)).toBe(['mark', 'one', 2, 0, 3, 1].join('\0'));
    await opened.redis.set(opened.keys.identity, 'x');
    await expect(opened.call(PROBE, 'three', 3, 1)).rejects.toThrow('WRONGTYPE');
  });
});

describe('rehearse', () => {
  test('names what Redis does not know, whatever is wrong with the rest', async () => {
    expect(await opened.call(REHEARSE)).toBe('list');
    expect(await opened.call(REHEARSE, 1, 'GET', '%k', 0, 'GET', 1, 'DANCE', '%k', 2, 'SET', '%k', 'a\0b')).toBe(
      'list\0DANCE',
    );
    await expect(opened.call(REHEARSE, 'x', 'GET')).rejects.toThrow(/user_script/);
  });
});
