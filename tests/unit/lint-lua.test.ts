import { GIVEN_BY_PROSODY, lintLua } from '../../tools/lua-names.ts';

const problems = (text: string) => lintLua(text).map(({ problem }) => problem);

test('finds names that nobody defines', () => {
  expect(problems('local a = ARGV[1]\nreturn a .. b')).toEqual(["'b' is not defined"]);
  expect(problems('local function f() leaked = 1 end\nreturn f')).toEqual(["'leaked' is not defined"]);
  expect(problems('do local inner = 1 redis.call(inner) end\nreturn inner')).toEqual(["'inner' is not defined"]);
});

test('finds members that a table does not have', () => {
  const table = 'local t = { one = 1 }\nfunction t.two() return t.one + t.three end\nreturn t';
  expect(problems(table)).toEqual(["'t.three' is not defined"]);
  expect(problems('local t = {}\nt[ARGV[1]] = 1\nreturn t.any')).toEqual([]);
});

test('finds locals that nobody uses, and tells those that another script may use', () => {
  expect(lintLua('--- @from part.lua\nlocal offered = 1\nreturn function(x) local idle = x end')).toEqual([
    { file: 'part.lua', problem: "'idle' is not used", text: expect.any(String), offered: false },
    { file: 'part.lua', problem: "'offered' is not used", text: 'local offered = 1', offered: true },
  ]);
  expect(problems('for _, one in ipairs(KEYS) do local _, b = one, 2 redis.call(b) end')).toEqual([]);
});

test('counts what Lua bounds', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `local a${i} = 1`).join('\n');
  const sum = (count: number) => Array.from({ length: count }, (_, i) => `a${i}`).join(' + ');
  expect(problems(`${many(201)}\nreturn ${sum(201)}`)).toEqual(['201 locals, where Lua allows 200']);
  expect(problems(`${many(61)}\nreturn function() return ${sum(61)} end`)).toEqual([
    '61 names from around, where Lua allows 60',
  ]);
  // Those of a block are gone after it.
  expect(problems(`do\n${many(150)}\nredis.call(${sum(150)})\nend\n${many(150)}\nreturn ${sum(150)}`)).toEqual([]);
});

test('rejects what is no Lua 5.1', () => {
  expect(() => lintLua('local a <const> = 1')).toThrow(SyntaxError);
  expect(() => lintLua('goto done')).toThrow(SyntaxError);
});

test('takes the globals that it is told of', () => {
  expect(problems('return module')).toEqual(["'module' is not defined"]);
  expect(lintLua('return module', GIVEN_BY_PROSODY)).toEqual([]);
  expect(lintLua('return KEYS', GIVEN_BY_PROSODY)).toHaveLength(1);
});
