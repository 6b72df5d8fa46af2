import net from 'node:net';
import tls from 'node:tls';

export interface SocketOptions {
  /** `xmpp://host:port`, or `xmpps://host:port` for direct TLS. */
  readonly service: string;
  /** PEM text; without it, the system's authorities. */
  readonly tlsCa?: string | undefined;
  /** A certificate may name it instead of the service's host. */
  readonly serverDomain: string;
}

/** Whether TLS is spoken from the first byte. */
export function isSecure(service: string): boolean {
  return service.startsWith('xmpps:');
}

/** A socket that is being connected to the server. */
export function connectSocket({ service, tlsCa, serverDomain }: SocketOptions): net.Socket {
  const { hostname, port } = new URL(service);
  // RFC 3986 writes an IPv6 address in brackets, sockets do not.
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const secure = isSecure(service);
  const to = { host, port: Number(port || (secure ? 5276 : 5275)), noDelay: true, keepAlive: true };
  return secure
    ? tls.connect({
        ...to,
        ...(tlsCa !== undefined && { ca: tlsCa }),
        servername: net.isIP(host) ? serverDomain : host,
        checkServerIdentity: (_, certificate) =>
          // RFC 6120 section 13.7.2: a server's certificate is for its domain, whatever host it runs on.
          tls.checkServerIdentity(host, certificate) && tls.checkServerIdentity(serverDomain, certificate),
      })
    : net.connect(to);
}
