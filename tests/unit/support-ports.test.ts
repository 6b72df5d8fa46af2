import { createServer, type Server } from 'node:net';
import { freePort, portsOf } from '../support/process/ports.ts';

const listen = (port: number) =>
  new Promise<Server>((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });
const close = (server: Server) => new Promise((resolve) => server.close(resolve));

test('each port of a range is given once, then again those that are free', async () => {
  const port = await freePort();
  const one = portsOf(port, 1);
  expect([await one(), await one()]).toEqual([port, port]);
  const server = await listen(port);
  await expect(one()).rejects.toThrow(`None of the 1 ports from ${port} on is free`);
  await close(server);
  expect(await one()).toBe(port);
});
