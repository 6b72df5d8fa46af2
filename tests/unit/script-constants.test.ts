import luaparse from 'luaparse';
import { withConstants } from '../../src/store/redis/script-constants.ts';
import { BATCH } from '../../src/store/redis/scripts.ts';

test('a name for a number or a text is replaced by that, and its line is left empty', () => {
  const text = ["local HEAD, FIELD = 23, '\\31'", 'return sub(value, HEAD + 1) .. FIELD'].join('\n');
  expect(withConstants(text)).toBe("\nreturn sub(value, 23 + 1) .. ('\\31')");
});

test('texts, comments and members are no names', () => {
  const text = ['local KEY = 14', "return part.KEY, 'a KEY', KEYS[1], KEY_OF -- KEY", 'return KEY'].join('\n');
  expect(withConstants(text)).toBe("\nreturn part.KEY, 'a KEY', KEYS[1], KEY_OF -- KEY\nreturn 14");
});

test('what is computed, or is a table, keeps its name', () => {
  for (const text of ['local UNIT = copies.UNIT\nreturn UNIT', 'local SIZES = { 1 }\nreturn SIZES']) {
    expect(withConstants(text)).toBe(text);
  }
});

test('one name for two values is refused', () => {
  expect(() => withConstants('local MOST = 1\nlocal MOST = 2')).toThrow('MOST');
  expect(withConstants('local MOST = 1\nlocal MOST = 1\nreturn MOST')).toBe('\n\nreturn 1');
});

/** How many functions there are in this, but for those within other functions. */
function functionsIn(tree: unknown): luaparse.FunctionDeclaration[] {
  if (typeof tree !== 'object' || tree === null) return [];
  if ((tree as { type?: string }).type === 'FunctionDeclaration') return [tree as luaparse.FunctionDeclaration];
  return Object.values(tree).flatMap(functionsIn);
}

const named = (functions: readonly luaparse.FunctionDeclaration[], name: string) =>
  functions.find(({ identifier }) => identifier?.type === 'Identifier' && identifier.name === name);

// Each costs about 0.2 us of a call.
test('a batch makes few functions before its first operation, and far fewer where nothing but the usual is in it', () => {
  const plain = functionsIn(luaparse.parse(BATCH, { luaVersion: '5.1' }));
  expect(plain.length).toBeLessThan(14);
  const outer = functionsIn(named(plain, 'carry_out_any')?.body);
  const inner = functionsIn(named(outer, 'carry_out')?.body);
  expect(inner.length).toBeGreaterThan(0);
  expect(plain.length + outer.length + inner.length).toBeLessThan(68);
});
