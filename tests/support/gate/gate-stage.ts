import { readFile } from 'node:fs/promises';
import xml, { type Element } from '@xmpp/xml';
import { type LoginOptions, login, type TestUser } from '../clients/test-user.ts';
import { type ProsodyOptions, type ProsodyServer, startProsody } from '../servers/prosody.ts';
import { GateComponent } from './gate-component.ts';
import { RawClient, type RawClientOptions } from './raw-client.ts';

const SECRET = 'secret';

/** A Prosody with the gate and the users alice, bob and carol, and a component that a test tells what to do. */
export class GateStage {
  readonly domain = 'example.org';
  readonly component = 'receipts.example.org';
  readonly #users: TestUser[] = [];
  readonly #raws: RawClient[] = [];
  readonly #components: GateComponent[] = [];

  private constructor(readonly server: ProsodyServer) {}

  static async open(options: ProsodyOptions = {}): Promise<GateStage> {
    const server = await startProsody({
      domain: 'example.org',
      users: { alice: 'pw', bob: 'pw', carol: 'pw' },
      component: { domain: 'receipts.example.org', secret: SECRET },
      gate: true,
      modules: ['gate_control'],
      ...options,
    });
    return new GateStage(server);
  }

  /** Connects, without a lease. */
  async attach(): Promise<GateComponent> {
    const { componentPort } = this.server;
    const component = await GateComponent.connect({
      componentPort,
      domain: this.domain,
      component: this.component,
      secret: SECRET,
    });
    this.#components.push(component);
    return component;
  }

  /** Connects, and holds a lease. */
  async hold(attributes: Record<string, string> = {}): Promise<GateComponent> {
    const component = await this.attach();
    await component.enable(attributes);
    await component.forgetAll();
    return component;
  }

  async user(username: string, resource: string, options: Partial<LoginOptions> = {}): Promise<TestUser> {
    const port = this.server.c2sPort;
    const user = await login({
      host: '127.0.0.1',
      port,
      domain: this.domain,
      username,
      password: 'pw',
      resource,
      autoReceipt: false,
      ...options,
    });
    this.#users.push(user);
    return user;
  }

  /** A client that does only what the test says. */
  async raw(
    username: string,
    resource: string,
    options: { sm?: boolean; presence?: boolean } = {},
  ): Promise<RawClient> {
    const client = await RawClient.login(this.#raw(username, resource), options);
    this.#raws.push(client);
    return client;
  }

  async resume({ jid, smId }: RawClient, h: number): Promise<RawClient> {
    const [bare = '', resource = ''] = jid.split('/');
    const client = await RawClient.resume(this.#raw(bare.split('@')[0] ?? '', resource), smId, h);
    this.#raws.push(client);
    return client;
  }

  /** Has the test's module in Prosody do something: see prosody/mod_gate_control.lua. */
  async control(by: TestUser, action: 'unload' | 'load' | 'reload' | 'go-on' | 'delete'): Promise<void> {
    await by.asks(this.domain, xml(action, { xmlns: 'urn:test:gate-control' }), 'set');
  }

  /** What Prosody has in its memory, bytes. */
  async memory(by: TestUser): Promise<number> {
    const answer = await by.asks(this.domain, xml('memory', { xmlns: 'urn:test:gate-control' }), 'set');
    return Number(answer.getChild('memory')?.attrs.bytes);
  }

  #raw(username: string, resource: string): RawClientOptions {
    return { port: this.server.c2sPort, domain: this.domain, username, resource };
  }

  /** Ends all sessions, detached ones too, and the component's connections. */
  async empty(): Promise<void> {
    await Promise.all(this.#users.splice(0).map((user) => user.offline()));
    for (const client of this.#raws.splice(0)) client.cut();
    for (const component of this.#components.splice(0)) await component.leave();
    const last = await this.raw('alice', 'last', { presence: false });
    await last.iq(xml('iq', { type: 'set', to: this.domain }, xml('clear', { xmlns: 'urn:test:gate-control' })));
    await last.leave();
    this.#raws.length = 0;
  }

  /** Ends the server. Fails if a Lua error was in its log, but for those that a test wants. */
  async close(): Promise<void> {
    const log = await readFile(this.server.logFile, 'utf8');
    await this.server.stop();
    const errors = log
      .split('\n')
      .filter((line) => /\terror\t/.test(line) && !/as the test wants it|mod_gate_control/.test(line));
    if (errors.length > 0) throw new Error(`Prosody's log has errors:\n${errors.slice(0, 20).join('\n')}`);
  }
}

/** A copy of what was shown, as the component sends it again. */
export function deliver(n: string, copy: number, to: string, message: Element): Element {
  return xml('deliver', { n, copy: `${copy}`, to }, message);
}

export function tell(from: string, to: string, id: string, ...content: Element[]): Element {
  return xml('tell', {}, xml('message', { xmlns: 'jabber:client', from, to, id, type: 'chat' }, ...content));
}
