import luaparse, { type Chunk } from 'luaparse';

/** What Redis gives a script; see "Redis Lua API reference" in its manual. */
const GIVEN = new Set([
  'setmetatable',
  ...['KEYS', 'ARGV', 'redis', 'cjson', 'cmsgpack', 'struct', 'bit', 'string', 'table', 'math', 'os'],
  ...['tostring', 'tonumber', 'type', 'pairs', 'ipairs', 'next', 'unpack', 'select', 'pcall', 'error', 'assert'],
]);
/** What Prosody gives a module beyond Lua 5.1. */
export const GIVEN_BY_PROSODY: ReadonlySet<string> = new Set([
  'collectgarbage',
  ...['module', 'prosody', 'require', 'string', 'table', 'math', 'os', 'io', 'debug', 'coroutine', 'setmetatable'],
  ...['getmetatable', 'tostring', 'tonumber', 'type', 'pairs', 'ipairs', 'next', 'select', 'pcall', 'error', 'assert'],
]);
const MOST_LOCALS = 200;
const MOST_UPVALUES = 60;

export interface Finding {
  /** The part that it is in, as {@link assemble} of src/store/redis/scripts.ts marks it. */
  readonly file: string;
  readonly problem: string;
  /** The line. */
  readonly text: string;
  /** Whether it is a local of the whole script, which another script may use. */
  readonly offered: boolean;
}

interface Local {
  readonly name: string;
  readonly line: number;
  readonly owner: Frame;
  /** Parameters and what loops go through may be unused. */
  readonly optional: boolean;
  used: boolean;
  /** Of a table of the script's own: what it is given, and what is looked for in it with the line of that. */
  readonly members: Set<string>;
  readonly lookups: (readonly [member: string, line: number])[];
}

/** A function, or the whole script. */
interface Frame {
  readonly around: Frame | undefined;
  readonly line: number;
  /** Locals that live at this moment, and most at any. */
  live: number;
  most: number;
  readonly upvalues: Set<Local>;
}

interface Tree {
  readonly type?: string;
  readonly loc?: { readonly start: { readonly line: number } };
  readonly [member: string]: unknown;
}

/** Looks through the text of a script that has these globals. Throws a SyntaxError where it is no Lua 5.1. */
export function lintLua(text: string, given: ReadonlySet<string> = GIVEN): Finding[] {
  const lines = text.split('\n');
  const findings: Finding[] = [];
  const find = (line: number, problem: string, offered = false) => {
    let file = '';
    for (let at = line - 1; at >= 0 && file === ''; at -= 1)
      file = /^--- @from (.*)$/.exec(lines[at] as string)?.[1] ?? '';
    findings.push({ file, problem, text: (lines[line - 1] as string).trim(), offered });
  };
  const names = new Names(find, given);
  names.chunk(luaparse.parse(text, { luaVersion: '5.1', locations: true, comments: false }));
  return findings;
}

/** Walks through a script and knows which local each name means. */
class Names {
  readonly #find: (line: number, problem: string, offered?: boolean) => void;
  readonly #given: ReadonlySet<string>;
  #frame: Frame = { around: undefined, line: 1, live: 0, most: 0, upvalues: new Set() };
  #scopes: Local[][] = [];

  constructor(find: (line: number, problem: string, offered?: boolean) => void, given: ReadonlySet<string>) {
    this.#find = find;
    this.#given = given;
  }

  chunk({ body }: Chunk): void {
    this.#block(body as unknown as Tree[]);
    this.#bounds(this.#frame);
  }

  #bounds({ line, most, upvalues }: Frame): void {
    if (most > MOST_LOCALS) this.#find(line, `${most} locals, where Lua allows ${MOST_LOCALS}`);
    if (upvalues.size > MOST_UPVALUES)
      this.#find(line, `${upvalues.size} names from around, where Lua allows ${MOST_UPVALUES}`);
  }

  #block(statements: readonly Tree[], declared: readonly Tree[] = []): void {
    const scope: Local[] = [];
    this.#scopes.push(scope);
    for (const one of declared) this.#declare(one, true);
    for (const statement of statements) this.#visit(statement);
    this.#scopes.pop();
    for (const { name, line, optional, used, members, lookups } of scope) {
      if (!used && !optional && name !== '_') this.#find(line, `'${name}' is not used`, this.#scopes.length === 0);
      // One that is filled by an index, or comes from a call, has members that are not known.
      if (members.size === 0) continue;
      for (const [member, at] of lookups)
        if (!members.has(member)) this.#find(at, `'${name}.${member}' is not defined`);
    }
    this.#frame.live -= scope.length;
  }

  #declare({ type, name, loc }: Tree, optional = false): void {
    // The dots of a function of many arguments.
    if (type !== 'Identifier') return;
    const owner = this.#frame;
    const line = loc?.start.line ?? 0;
    this.#scopes
      .at(-1)
      ?.push({ name: name as string, line, owner, optional, used: false, members: new Set(), lookups: [] });
    owner.live += 1;
    owner.most = Math.max(owner.most, owner.live);
  }

  #local(name: string): Local | undefined {
    for (let at = this.#scopes.length - 1; at >= 0; at -= 1) {
      const local = this.#scopes[at]?.findLast((one) => one.name === name);
      if (local) return local;
    }
    return undefined;
  }

  #use({ name, loc }: Tree, assigned: boolean): void {
    const local = this.#local(name as string);
    if (local === undefined) {
      if (assigned || !this.#given.has(name as string)) this.#find(loc?.start.line ?? 0, `'${name}' is not defined`);
      return;
    }
    if (!assigned) local.used = true;
    for (let frame: Frame | undefined = this.#frame; frame && frame !== local.owner; frame = frame.around) {
      frame.upvalues.add(local);
    }
  }

  /** What a table has from the first. */
  #initial({ variables, init }: Tree): void {
    for (const [i, variable] of (variables as Tree[]).entries()) {
      const table = (init as Tree[])[i];
      if (table?.type !== 'TableConstructorExpression') continue;
      const members = this.#local(variable.name as string)?.members;
      for (const field of table.fields as Tree[]) {
        if (field.type === 'TableKeyString') members?.add((field.key as Tree).name as string);
      }
    }
  }

  /** Whether this is a member of a local, which it is given here. */
  #member({ type, base, identifier }: Tree): boolean {
    const owner = base as Tree | undefined;
    if (type !== 'MemberExpression' || owner?.type !== 'Identifier') return false;
    this.#local(owner.name as string)?.members.add((identifier as Tree).name as string);
    this.#use(owner, true);
    return true;
  }

  #lookup({ base, identifier, loc }: Tree): void {
    const owner = base as Tree;
    if (owner.type !== 'Identifier') return;
    this.#local(owner.name as string)?.lookups.push([(identifier as Tree).name as string, loc?.start.line ?? 0]);
  }

  #function({ parameters, body, loc }: Tree): void {
    this.#frame = { around: this.#frame, line: loc?.start.line ?? 0, live: 0, most: 0, upvalues: new Set() };
    this.#block(body as Tree[], parameters as Tree[]);
    this.#bounds(this.#frame);
    this.#frame = this.#frame.around as Frame;
  }

  #each(trees: unknown): void {
    for (const tree of trees as Tree[]) this.#visit(tree);
  }

  #visit(tree: Tree): void {
    switch (tree.type) {
      case 'Identifier':
        this.#use(tree, false);
        return;
      case 'LocalStatement':
        this.#each(tree.init);
        for (const variable of tree.variables as Tree[]) this.#declare(variable);
        this.#initial(tree);
        return;
      case 'AssignmentStatement':
        this.#each(tree.init);
        for (const variable of tree.variables as Tree[]) {
          if (variable.type === 'Identifier') this.#use(variable, true);
          else if (!this.#member(variable)) this.#visit(variable);
        }
        return;
      case 'FunctionDeclaration': {
        const identifier = tree.identifier as Tree | null;
        if (identifier && tree.isLocal) this.#declare(identifier);
        else if (identifier?.type === 'Identifier') this.#use(identifier, true);
        else if (identifier) this.#member(identifier);
        this.#function(tree);
        return;
      }
      case 'ForNumericStatement':
        this.#each([tree.start, tree.end, tree.step].filter(Boolean));
        // Lua keeps three of its own.
        this.#block(tree.body as Tree[], [tree.variable as Tree]);
        return;
      case 'ForGenericStatement':
        this.#each(tree.iterators);
        this.#block(tree.body as Tree[], tree.variables as Tree[]);
        return;
      case 'RepeatStatement':
        // What follows `until` sees the block's locals.
        this.#block([...(tree.body as Tree[]), tree.condition as Tree]);
        return;
      case 'MemberExpression':
        this.#lookup(tree);
        this.#visit(tree.base as Tree);
        return;
      case 'TableKeyString':
        this.#visit(tree.value as Tree);
        return;
      case 'DoStatement':
        this.#block(tree.body as Tree[]);
        return;
      default:
        this.#rest(tree);
        return;
    }
  }

  /** Whatever else has parts: expressions, and the blocks of `if` and `while`. */
  #rest(tree: Tree): void {
    for (const [member, value] of Object.entries(tree)) {
      if (member === 'loc' || typeof value !== 'object' || value === null) continue;
      if (member === 'body') this.#block(value as Tree[]);
      else if (Array.isArray(value)) this.#each(value);
      else this.#visit(value as Tree);
    }
  }
}
