import net from 'node:net';
import { nodeOptionsOf, optionsOf } from '../../src/store/redis/redis-target.ts';
import { TlsConnector, TlsSentinelConnector } from '../../src/store/redis/tls-connector.ts';

test('an error of a connection with TLS ends no process when the one listener that ioredis has is gone', async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const connector = new TlsConnector({ host: '127.0.0.1', port, tls: {}, disconnectTimeout: 10 });
  const socket = await connector.connect();
  const heard: string[] = [];
  socket.once('error', ({ message }) => heard.push(message));
  for (const message of ['not trusted', 'alert decode error']) socket.emit('error', new Error(message));
  expect(heard).toEqual(['not trusted']);
  expect(connector.firstError?.message).toBe('not trusted');
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('one that is given up before it is begun is not opened', async () => {
  const connector = new TlsConnector({ host: '127.0.0.1', port: 1, tls: {} });
  const connected = connector.connect();
  connector.disconnect();
  await expect(connected).rejects.toThrow('Connection is closed.');
});

test('it is used for rediss://, with nodes of a cluster too; with sentinels one that asks them', () => {
  const tls = { ca: 'PEM' };
  expect(optionsOf({ url: 'rediss://redis', tls }).Connector).toBe(TlsConnector);
  expect(nodeOptionsOf({ url: 'rediss://cluster', tls }).Connector).toBe(TlsConnector);
  expect(optionsOf({ url: 'redis://redis' }).Connector).toBeUndefined();
  expect(nodeOptionsOf({ url: 'redis://cluster' }).Connector).toBeUndefined();
  const sentinels = { addresses: [{ host: 'sentinel', port: 26379 }], masterName: 'mymaster' };
  expect(optionsOf({ url: 'rediss://redis', sentinels, tls }).Connector).toBe(TlsSentinelConnector);
  expect(optionsOf({ url: 'redis://redis', sentinels }).Connector).toBeUndefined();
});
