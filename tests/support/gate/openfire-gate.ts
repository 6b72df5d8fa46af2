import { readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import xml from '@xmpp/xml';
import { cleanSlate } from '../clients/clean-slate.ts';
import { type LoginOptions, login, type TestUser } from '../clients/test-user.ts';
import { BareComponent } from '../openfire/bare-component.ts';
import { until } from '../time/until.ts';
import { GateComponent } from './gate-component.ts';
import { buildProbe } from './openfire/probe.ts';
import { RawClient } from './raw-client.ts';

const { E2E_XMPP_HOST, E2E_C2S_PORT, E2E_COMPONENT_PORT, E2E_DOMAIN, E2E_COMPONENT_SECRET, E2E_USERS, OPENFIRE_HOME } =
  process.env;

/** Why no Openfire with the gate can be had; undefined when it can. */
export const NO_OPENFIRE =
  E2E_XMPP_HOST === undefined || OPENFIRE_HOME === undefined
    ? 'an Openfire with the plugin is named by the E2E_ variables and OPENFIRE_HOME'
    : undefined;

/** An Openfire on loopback that has receiptsgate.jar among its plugins, with the users alice, bob and carol. */
export class OpenfireGate {
  readonly domain = E2E_DOMAIN ?? 'example.org';
  readonly component = `receipts.${this.domain}`;
  readonly secret = E2E_COMPONENT_SECRET ?? '';
  readonly componentPort = Number(E2E_COMPONENT_PORT ?? 5275);
  readonly #c2sPort = Number(E2E_C2S_PORT ?? 5222);
  readonly #passwords = new Map((E2E_USERS ?? '').split(',').map((pair) => pair.split(':') as [string, string]));
  readonly #users: TestUser[] = [];
  readonly #raws: RawClient[] = [];
  readonly #components: GateComponent[] = [];
  readonly #run = Date.now().toString(36);

  /** Takes from the users what earlier runs have left with them. */
  async clean(): Promise<void> {
    const [host, c2sPort] = ['127.0.0.1', this.#c2sPort];
    await cleanSlate({ host, c2sPort, domain: this.domain, passwords: this.#passwords });
  }

  /** Connects, without a lease. Openfire takes one such connection for a domain, and closes others as long as it has not missed that one. */
  async attach(): Promise<GateComponent> {
    const { componentPort, domain, component, secret } = this;
    for (;;) {
      const gate = await GateComponent.connect({ componentPort, domain, component, secret });
      this.#components.push(gate);
      if (!gate.link.isOver) return gate;
      await delay(50);
    }
  }

  async hold(attributes: Record<string, string> = {}): Promise<GateComponent> {
    const component = await this.attach();
    await component.enable(attributes);
    await component.forgetAll();
    return component;
  }

  /** Another component, which may say anything in anybody's name. */
  other(name: string): Promise<BareComponent> {
    return BareComponent.connect(this.componentPort, `${name}.${this.domain}`, this.secret);
  }

  async user(username: string, resource: string, options: Partial<LoginOptions> = {}): Promise<TestUser> {
    const user = await login({
      host: '127.0.0.1',
      port: this.#c2sPort,
      domain: this.domain,
      username,
      password: this.#passwords.get(username) ?? '',
      resource: `${resource}-${this.#run}`,
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
    options: { sm?: boolean; presence?: boolean; tls?: boolean } = {},
  ): Promise<RawClient> {
    const { tls = false } = options;
    const client = await RawClient.login({ ...this.#raw(username, resource), tls }, { ...options, presence: false });
    this.#raws.push(client);
    if (options.presence === false) return client;
    // Openfire 4.2 does not tell a client of its own presence.
    await client.send(xml('presence'));
    await client.handledBefore();
    return client;
  }

  /** Takes a session over that lost its connection, by another one of its kind. */
  async resume({ jid, smId, tls }: RawClient, h: number): Promise<RawClient> {
    const [bare = '', resource = ''] = jid.split('/');
    const client = await RawClient.resume({ ...this.#raw(bare.split('@')[0] ?? '', resource), tls }, smId, h);
    this.#raws.push(client);
    return client;
  }

  #raw(username: string, resource: string) {
    const password = this.#passwords.get(username) ?? '';
    return { port: this.#c2sPort, domain: this.domain, username, resource, password };
  }

  /** Removes the plugin, or puts it back; Openfire looks for changes every few seconds. */
  async plugin(there: boolean): Promise<void> {
    const jar = path.join(OPENFIRE_HOME ?? '', 'plugins', 'receiptsgate.jar');
    const away = path.join(OPENFIRE_HOME ?? '', 'receiptsgate.jar.away');
    await (there ? rename(away, jar) : rename(jar, away));
  }

  /** Loads the plugin anew, for properties that it reads then. The component has a lease before, and has another one after it. */
  async reload(component: GateComponent): Promise<void> {
    await this.unload(component);
    await this.load(component);
  }

  /** Removes the plugin. */
  async unload(component: GateComponent): Promise<void> {
    await this.plugin(false);
    await component.event('opened', { why: 'unloading' });
  }

  /** Puts it back; the component has a lease then. */
  async load(component: GateComponent): Promise<void> {
    await this.plugin(true);
    component.token = '';
    // What is asked while the plugin leaves may be answered by nobody. A slow server's answer counts when it comes: whoever
    // throws it away and asks anew has the gate end the lease that it has just given.
    let isBack = false;
    let patience = 3000;
    const ask = async () => {
      const silence = delay(patience, 'silence', { ref: false });
      const answer = component.enable().then(
        () => {
          isBack = true;
        },
        () => {},
      );
      if ((await Promise.race([answer, silence])) === 'silence') patience *= 2;
      return isBack;
    };
    await until(ask, { what: 'the plugin again', within: 60_000 });
  }

  /** Puts openfire/ProbePlugin.java into the server, or takes it out. */
  async probe(there: boolean): Promise<void> {
    const jar = path.join(OPENFIRE_HOME ?? '', 'plugins', 'receiptsprobe.jar');
    if (there) await buildProbe(jar);
    else await rm(jar, { force: true });
  }

  /** All that the server has logged. */
  async log(): Promise<string> {
    const folder = path.join(OPENFIRE_HOME ?? '', 'logs');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.log'));
    return (await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')))).join('\n');
  }

  async empty(): Promise<void> {
    await Promise.all(this.#users.splice(0).map((user) => user.offline()));
    await Promise.all(this.#raws.splice(0).map((client) => client.leave()));
    for (const component of this.#components.splice(0)) component.cut();
  }
}
