import { EventEmitter } from 'node:events';
import type { SessionObserver } from '../presence/ports.ts';

interface Events {
  began: Parameters<SessionObserver['began']>;
  updated: Parameters<SessionObserver['updated']>;
  ended: Parameters<SessionObserver['ended']>;
  reported: [user: string];
  recorded: [user: string];
}

/** What happens to users' sessions: presence says it, and the parts of delivery that it matters to listen. */
export class SessionEvents extends EventEmitter<Events> implements SessionObserver {
  began(user: string, resource: string): void {
    this.emit('began', user, resource);
  }

  updated(user: string, again: boolean): void {
    this.emit('updated', user, again);
  }

  ended(user: string, resource: string): void {
    this.emit('ended', user, resource);
  }

  reported(user: string): void {
    this.emit('reported', user);
  }

  recorded(user: string): void {
    this.emit('recorded', user);
  }
}
