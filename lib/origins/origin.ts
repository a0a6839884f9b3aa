// Answers: what is known about one origin, and what it can take now?
// Owns: the places, the breaker and the connect deadline of one origin, whatever pools it is in, and whether it is well.
// Leaves out: which origin a request goes to (`routes.ts`, `pool.ts`), who asks whether it is well (`health.ts`).
import { Breaker, type BreakerState } from "./breaker.ts";
import { ConnectProbe, type ConnectProbeParts } from "./connect-probe.ts";
import { Places } from "./places.ts";

/** The limits of each origin; 0 is no limit, but for the queue, where it is no queue. */
export interface OriginSettings {
  /** Exchanges under way at a time. */
  readonly limit: number;
  /** Exchanges that wait for a place. */
  readonly queueLimit: number;
  /** Failures in a row after which it is left alone. */
  readonly breakerFailures: number;
  /** Milliseconds that a connection may take; 0 also where the wire sees its connections itself. */
  readonly connectTimeoutMs: number;
}

/** What an origin works with, and who hears when its breaker changes; that must not throw. */
export interface OriginParts extends ConnectProbeParts {
  readonly onBreaker: (origin: string, state: BreakerState, failures: number) => void;
}

/** How an origin is doing, for log, metrics and dashboard. */
export interface OriginStats {
  readonly origin: string;
  readonly isHealthy: boolean;
  readonly breaker: BreakerState;
  /** Exchanges under way. */
  readonly pending: number;
  /** Exchanges that wait for a place. */
  readonly waiting: number;
}

/** One origin. */
export class Origin {
  /** Scheme, host and port, such as `http://localhost:8000`. */
  readonly url: string;
  readonly places: Places;
  readonly breaker: Breaker;
  readonly connectProbe: ConnectProbe;
  /** What the health checks say; true until they say otherwise, and where there are none. */
  isHealthy = true;

  constructor(url: string, settings: OriginSettings, parts: OriginParts) {
    this.url = url;
    this.places = new Places(settings.limit, settings.queueLimit);
    this.breaker = new Breaker(settings.breakerFailures, (state, failures) =>
      parts.onBreaker(url, state, failures),
    );
    this.connectProbe = new ConnectProbe(url, settings.connectTimeoutMs, parts);
  }

  /** Exchanges that it has before it: under way, or waiting for a place. */
  get load(): number {
    return this.places.pending + this.places.waiting;
  }

  stats(): OriginStats {
    const { pending, waiting } = this.places;
    return { origin: this.url, isHealthy: this.isHealthy, breaker: this.breaker.state, pending, waiting };
  }
}
