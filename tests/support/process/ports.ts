import net from 'node:net';

// Below the range from which the system takes the ports of outgoing connections, lest one of those sits on a port that
// was free a moment ago. Two runs of the tests at a time on one machine are given a range each: TEST_PORTS=<first>,<count>.
const DEFAULT = '20000,12000';
/** Test files run beside each other: two that drew from one range could both give a port that its server binds only a second later. */
const SHARES = 16;

interface Range {
  readonly first: number;
  readonly count: number;
}

/**
 * The ports of a process: of a worker of jest's its share of the range; of what jest does not run all that it was given, or the
 * share 0 that no worker has, as it may run beside the tests.
 */
export function rangeOf({ TEST_PORTS = '', JEST_WORKER_ID = '' }: NodeJS.ProcessEnv): Range {
  const [first = Number.NaN, count = Number.NaN] = (TEST_PORTS || DEFAULT).split(',').map(Number);
  if (TEST_PORTS !== '' && JEST_WORKER_ID === '') return { first, count };
  const share = Math.floor(count / SHARES);
  return { first: first + share * (Number(JEST_WORKER_ID) % SHARES), count: share };
}

const OURS = rangeOf(process.env);

/** TEST_PORTS for a run of jest that a test starts, in jest's own process (worker 1): a share that no worker of ours has. */
export const PORTS_OF_AN_INNER_RUN = innerRun(rangeOf({ ...process.env, JEST_WORKER_ID: '0' }));

function innerRun({ first, count: share }: Range): string {
  return `${first + share * (SHARES - 2)},${share * SHARES}`;
}

/** Gives ports of a range one after the other, those that are in use left out. */
export function portsOf(first: number, count: number): () => Promise<number> {
  const given = new Set<number>();
  return async () => {
    for (let i = 0; i < count; i += 1) {
      // All were given once. Those of servers that have ended are free again; one that was given a moment ago may be bound by nobody yet.
      if (given.size >= count) for (const old of [...given].slice(0, Math.ceil(count / 2))) given.delete(old);
      let port = first + Math.floor(Math.random() * count);
      while (given.has(port)) port = port + 1 < first + count ? port + 1 : first;
      given.add(port);
      if (await isFree(port)) return port;
    }
    throw new Error(`None of the ${count} ports from ${first} on is free (TEST_PORTS)`);
  };
}

/** A port of 127.0.0.1 on which nobody listens, and that neither this process nor another worker gives to anybody else. */
export const freePort = portsOf(OURS.first, OURS.count);

/**
 * TEST_PORTS for one of several programs that a test starts at a time outside of jest: a part of this worker's share.
 *
 * @param part from 0 to `parts` - 1
 */
export function portsOfProgram(part: number, parts: number): string {
  const count = Math.floor(OURS.count / parts);
  return `${OURS.first + part * count},${count}`;
}

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let i = 0; i < count; i += 1) ports.push(await freePort());
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    // Whoever looks for a server that was there before may come by: its connection would keep this one from closing.
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Says something to a port: whether what comes back within a second looks like `answer`. */
export function answers(port: number, greeting: string, answer: RegExp): Promise<boolean> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(greeting));
    const done = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.setEncoding('utf8');
    socket.setTimeout(1000, () => done(false));
    socket.on('error', () => done(false));
    socket.on('close', () => done(false));
    socket.on('data', (text) => {
      heard += text;
      if (answer.test(heard)) done(true);
    });
  });
}
