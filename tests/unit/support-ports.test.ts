import { createServer, type Server } from 'node:net';
import { freePort, portsOf, portsOfProgram, rangeOf } from '../support/process/ports.ts';

const listen = (port: number) =>
  new Promise<Server>((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });
const close = (server: Server) => new Promise((resolve) => server.close(resolve));

test('a port that was given a moment ago is not given again, though nobody has bound it yet', async () => {
  const first = await freePort();
  const next = portsOf(first, 8);
  for (let last: number[] = [], i = 0; i < 400; i += 1) {
    const port = await next();
    expect(last).not.toContain(port);
    last = [...last, port].slice(-3);
  }
});

test('each port of a range is given once, then again those that are free', async () => {
  const port = await freePort();
  const one = portsOf(port, 1);
  expect([await one(), await one()]).toEqual([port, port]);
  const server = await listen(port);
  await expect(one()).rejects.toThrow(`None of the 1 ports from ${port} on is free`);
  await close(server);
  expect(await one()).toBe(port);
});

test('workers share a range; what jest does not run has the whole of the one that it was given', () => {
  const TEST_PORTS = '20000,160';
  expect(rangeOf({ TEST_PORTS, JEST_WORKER_ID: '1' })).toEqual({ first: 20_010, count: 10 });
  expect(rangeOf({ TEST_PORTS, JEST_WORKER_ID: '15' })).toEqual({ first: 20_150, count: 10 });
  expect(rangeOf({ TEST_PORTS })).toEqual({ first: 20_000, count: 160 });
});

test('what jest does not run, and nobody gave a range, has a share that no worker has', () => {
  const program = rangeOf({});
  expect(program.first + program.count).toBe(rangeOf({ JEST_WORKER_ID: '1' }).first);
});

test('programs that a test starts have a part of its share each', () => {
  const own = rangeOf(process.env);
  const parts = [0, 1, 2].map((part) => rangeOf({ TEST_PORTS: portsOfProgram(part, 3) }));
  expect(parts[0]?.first).toBe(own.first);
  for (const [i, { first, count }] of parts.entries()) {
    expect(first + count).toBeLessThanOrEqual(parts[i + 1]?.first ?? own.first + own.count);
    expect(count).toBe(Math.floor(own.count / 3));
  }
});
