// For a program that a test starts with `--import`: its client of `@xmpp/client` waits for as long as the server of a busy machine takes.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** ms; by default it gives up after 2 s what it does to connect. */
const PATIENCE = 60_000;

const inClient = createRequire(createRequire(import.meta.url).resolve('@xmpp/client'));
const { default: Connection } = await import(pathToFileURL(inClient.resolve('@xmpp/connection')).href);

// Each connection sets its own.
Object.defineProperty(Connection.prototype, 'timeout', { get: () => PATIENCE, set: () => {} });
