import { createServer, type Server } from 'node:net';
import { freePort, portsOf } from '../support/process/ports.ts';

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
