import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import xml, { type Element } from '@xmpp/xml';
import { login } from '../support/clients/test-user.ts';
import { ejabberdAvailable, startEjabberd } from '../support/servers/ejabberd.ts';
import { type ProsodyServer, startProsody } from '../support/servers/prosody.ts';
import { askRedis, startRedis } from '../support/servers/redis.ts';
import { until } from '../support/time/until.ts';

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether it answers within half a second. */
async function answersNow(answer: Promise<unknown>): Promise<boolean> {
  return Promise.race([answer.then(() => true), new Promise<false>((resolve) => setTimeout(resolve, 500, false))]);
}

describe('Redis', () => {
  test('is set up as the proxy wants it', async () => {
    const redis = await startRedis();
    expect(await askRedis(redis.port, 'CONFIG GET maxmemory-policy')).toBe('*2');
    expect(await askRedis(redis.port, 'PING')).toBe('+PONG');
    const { pid, logFile } = redis;
    await redis.stop();
    expect(runs(pid)).toBe(false);
    expect(existsSync(path.dirname(logFile))).toBe(false);
  });

  test('is not waited for once it has closed the connection', async () => {
    const server = createServer((socket) => socket.resume().end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(askRedis(port, 'PING')).rejects.toThrow('closed the connection without an answer');
    server.close();
    await once(server, 'close');
  });

  test('keeps its data over a restart and over a crash', async () => {
    const redis = await startRedis({ appendfsync: 'always' });
    await askRedis(redis.port, 'SET a 1');
    await redis.restart();
    expect(await askRedis(redis.port, 'INCR a')).toBe(':2');
    await redis.kill();
    await redis.restart();
    expect(await askRedis(redis.port, 'INCR a')).toBe(':3');
    await redis.stop();
  });

  test('frozen, it answers nothing; thawed, it answers what it was asked', async () => {
    const redis = await startRedis();
    redis.freeze();
    const answer = askRedis(redis.port, 'PING');
    expect(await answersNow(answer)).toBe(false);
    redis.thaw();
    expect(await answer).toBe('+PONG');
    redis.freeze();
    await redis.stop();
  });

  test('keeps data in a folder of the test’s own, and leaves it', async () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'openfire-receipts-test-'));
    const redis = await startRedis({ dir });
    await redis.stop();
    expect(existsSync(path.join(dir, 'appendonlydir'))).toBe(true);
    rmSync(dir, { recursive: true });
  });

  test('is a cluster of one', async () => {
    const redis = await startRedis({ cluster: true });
    expect(await askRedis(redis.port, 'SET {receipts}:a 1')).toBe('+OK');
    await redis.stop();
  });

  test('ends, and its folder goes, when the process that started it is killed', async () => {
    const script = `
      import { startRedis } from '${new URL('../support/servers/redis.ts', import.meta.url).pathname}';
      const { pid, logFile } = await startRedis();
      console.log(JSON.stringify({ pid, logFile }));
      setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const [line] = (await once(starter.stdout, 'data')) as [Buffer];
    const { pid, logFile } = JSON.parse(line.toString()) as { pid: number; logFile: string };
    expect(runs(pid)).toBe(true);
    starter.kill('SIGKILL');
    await until(() => !runs(pid) && !existsSync(path.dirname(logFile)), { what: 'Redis to end' });
  });
});

describe('Prosody', () => {
  let prosody: ProsodyServer;
  const log = (name: string, options: Partial<Parameters<typeof login>[0]> = {}) =>
    login({
      host: '127.0.0.1',
      port: prosody.c2sPort,
      domain: 'localhost',
      username: name,
      password: 'pw',
      ...options,
    });

  beforeAll(async () => {
    const component = { domain: 'receipts.localhost', secret: 'secret' };
    prosody = await startProsody({ users: { alice: 'pw', 'bob.b': 'pw', carol: 'pw' }, component, websocket: true });
  });
  afterAll(() => prosody.stop());

  test('alice writes to bob, and his client confirms', async () => {
    const alice = await log('alice', { resource: 'phone' });
    const bob = await log('bob.b');
    const id = await alice.say(bob.bare, 'Grüße 👋', { originId: 'o-1' });
    const heard = await bob.hears('Grüße 👋');
    expect(heard.attrs).toMatchObject({ id, from: 'alice@localhost/phone', type: 'chat' });
    expect((await alice.delivered(id)).attrs.from).toBe(bob.jid);
    expect(bob.bodies()).toEqual(['Grüße 👋']);
    expect(bob.count('Grüße 👋')).toBe(1);
    await Promise.all([alice.offline(), bob.offline()]);
    expect([...alice.errors, ...bob.errors]).toEqual([]);
  });

  test('what is not heard is told with what was', async () => {
    const alice = await log('alice');
    const bob = await log('bob.b', { autoReceipt: false });
    await alice.say(bob.jid, 'one', { request: false });
    await bob.hears('one');
    await expect(bob.hears('two', { within: 20 })).rejects.toThrow(/"two" within 20 ms[\s\S]*✓ <message[^>]*>.*one/);
    await bob.hearsNothing('one', { for: 20 });
    await Promise.all([alice.offline(), bob.offline()]);
  });

  test('an IQ is answered with its result or its error', async () => {
    const alice = await log('alice');
    const iq = (to: string, child: Element) => alice.iq(xml('iq', { type: 'get', to }, child));
    expect((await iq('localhost', xml('ping', { xmlns: 'urn:xmpp:ping' }))).attrs.type).toBe('result');
    const refused = await iq('receipts.localhost', xml('ping', { xmlns: 'urn:xmpp:ping' }));
    expect(refused.attrs.type).toBe('error');
    await alice.offline();
  });

  test('frozen, then cut: what was on the way is lost; what comes after that waits', async () => {
    const alice = await log('alice');
    const carol = await log('carol', { resource: 'desk' });
    carol.freeze();
    await alice.say(carol.bare, 'lost');
    // The server has handled it when it answers what came after it.
    await alice.iq(xml('iq', { type: 'get', to: 'localhost' }, xml('ping', { xmlns: 'urn:xmpp:ping' })));
    carol.cut();
    const witness = await log('carol', { presence: false });
    await witness.offline();
    await alice.say(carol.bare, 'waits');
    const again = await log('carol');
    await again.hears('waits');
    expect(again.count('lost')).toBe(0);
    expect(carol.received.filter(({ name }) => name === 'message')).toEqual([]);
    await Promise.all([alice.offline(), again.offline()]);
  });

  test('with stream management nothing is lost', async () => {
    const alice = await log('alice');
    const carol = await log('carol', { resource: 'sm', streamManagement: true });
    await alice.say(carol.jid, 'heard');
    await carol.hears('heard');
    await carol.offline();
    expect(carol.errors).toEqual([]);
    await alice.offline();
  });

  test('with a wrong password nobody logs in', async () => {
    await expect(log('alice', { password: 'wrong' })).rejects.toThrow(/not-authorized/);
  });

  test('offers a WebSocket, restarts on its ports, and is gone after stop', async () => {
    const other = await startProsody({
      websocket: true,
      config: 'log = { { levels = { min = "warn" }, to = "console" } }',
    });
    const http = await fetch(String(other.websocketUrl).replace('ws:', 'http:'));
    expect(http.status).toBeLessThan(500);
    await other.kill();
    await other.restart();
    const { pid, logFile } = other;
    await other.stop();
    expect(runs(pid)).toBe(false);
    expect(existsSync(logFile)).toBe(false);
  });
});

(ejabberdAvailable() ? describe : describe.skip)('ejabberd', () => {
  test('alice writes to bob', async () => {
    const component = { domain: 'receipts.localhost', secret: 'secret' };
    const server = await startEjabberd({ users: { alice: 'pw', bob: 'pw' }, component });
    const options = { host: '127.0.0.1', port: server.c2sPort, domain: 'localhost', password: 'pw' };
    const alice = await login({ ...options, username: 'alice' });
    const bob = await login({ ...options, username: 'bob' });
    await alice.delivered(await alice.say(bob.bare, 'Hello'));
    await Promise.all([alice.offline(), bob.offline()]);
    const { pid } = server;
    await server.stop();
    expect(runs(pid)).toBe(false);
  });
});
