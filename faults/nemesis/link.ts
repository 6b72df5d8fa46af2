import type { Direction } from '../link-relay.ts';
import type { Fault } from '../nemesis.ts';
import type { ProxyInstance } from '../proxy-instance.ts';

export function reset({ link, domain: process }: ProxyInstance): Fault {
  return { name: 'the link is reset', process, begin: () => link.reset(), end: () => {} };
}

/** Nobody answers at the server's port for a while. */
export function refused({ link, domain: process }: ProxyInstance): Fault {
  return {
    name: 'the link is reset and refused',
    process,
    blocks: 'link',
    begin: () => {
      link.refuses = true;
      link.reset();
    },
    end: () => {
      link.refuses = false;
    },
  };
}

/** What one end sends is lost, and nobody is told; it ends with a reset. */
export function holed({ link, domain: process }: ProxyInstance, direction: Direction): Fault {
  return {
    name: `the link loses all that goes ${direction === 'out' ? 'to' : 'from'} the server`,
    process,
    blocks: 'link',
    begin: () => link.set(direction, { hole: true }),
    end: () => {
      link.reset();
      link.set(direction, { hole: false });
    },
  };
}

export function delayed({ link, domain: process }: ProxyInstance, ms: number): Fault {
  return {
    name: `the link takes ${ms / 1000} s each way`,
    process,
    lossless: true,
    begin: () => link.set('both', { delay: ms }),
    end: () => link.set('both', { delay: 0 }),
  };
}

/** A server that handles so many stanzas a second. */
export function throttled({ link, domain: process }: ProxyInstance, rate: number): Fault {
  return {
    name: `the server takes ${rate} stanzas a second`,
    process,
    lossless: true,
    begin: () => link.set('out', { rate }),
    end: () => link.set('out', { rate: undefined }),
  };
}

/** The connection ends inside a stanza, or inside a character, at the next that passes. */
export function cut(
  { link, domain: process }: ProxyInstance,
  direction: Direction,
  where: 'stanza' | 'character',
): Fault {
  return {
    name: `the link is cut inside a ${where} that goes ${direction === 'out' ? 'to' : 'from'} the server`,
    process,
    begin: () => link.set(direction, { cut: where }),
    end: () => link.set(direction, { cut: undefined }),
  };
}

/** Answers to pings come late, and all else in time: nothing is proved to be handed over. */
export function unproved({ link, domain: process }: ProxyInstance): Fault {
  const isPingAnswer = (stanza: string) => /^<iq\b[^>]*\btype=["']result["'][^>]*(\/>|><\/iq>)$/.test(stanza);
  return {
    name: 'answers to pings are held back',
    process,
    lossless: true,
    begin: () => link.set('in', { withhold: isPingAnswer }),
    end: () => link.set('in', { withhold: undefined }),
  };
}
