// Answers: how the parts of the cache are put together and started.
// Owns: options → store, origin, engine, app, socket.
// Leaves out: the command line (`command.ts`), the parts.
import { cacheApp } from "./cache-app.ts";
import { Collapser } from "./collapse.ts";
import { Events } from "./events.ts";
import { Forwarder } from "./forward.ts";
import { logListener, type WriteLine } from "./log.ts";
import type { CacheOptions } from "./option-tables.ts";
import { Proxy } from "./proxy.ts";
import type { RelaySettings } from "./relay.ts";
import { deltaSeconds } from "./rfc9111/time.ts";
import { MemoryStore } from "./store/memory.ts";
import type { StoreStats } from "./store/store.ts";
import { sendThroughFetch } from "./wire/forward-fetch.ts";
import { serveBun, type Running } from "./wire/serve-bun.ts";

/** What runs, counted: sizes in bytes. */
export interface EngineStats {
  readonly store: StoreStats;
  /** Requests to the origin that are neither answered nor stored yet. */
  readonly fillsInFlight: number;
}

/** The engine, and what can be asked of it besides answers. */
export interface Engine {
  readonly proxy: Proxy;
  readonly events: Events;
  readonly stats: () => EngineStats;
}

/** The engine for these options; tests and other wires put their own app in front. */
export function cacheEngine(options: CacheOptions): Engine {
  const events = new Events();
  const origin = options.origin[0]?.origin ?? "";
  const clockMs = (): number => Date.now();
  const settings = {
    origin,
    hostField: options.originHost,
    timeoutMs: options.firstByteTimeout,
  };
  const store = new MemoryStore({ budgetBytes: options.memory, maxObjectBytes: options.maxObject });
  const collapser = new Collapser();
  const proxy = new Proxy({
    store,
    collapser,
    forwarder: new Forwarder(settings, sendThroughFetch, clockMs),
    events,
    rules: {
      heuristic: { share: options.heuristicShare, max: deltaSeconds(options.heuristicMax) },
      vary: options.vary,
      staleIfError: deltaSeconds(options.staleIfError),
      originAuthority: new URL(origin).host,
    },
    clockMs,
    origin,
    uncollapse: options.uncollapse,
  });
  return { proxy, events, stats: () => ({ store: store.stats(), fillsInFlight: collapser.inFlight }) };
}

/** Starts the cache; log lines go to `writeLine`. @throws where the port is taken. */
export function serveCache(options: CacheOptions, writeLine: WriteLine = console.log): Running {
  const { proxy, events } = cacheEngine(options);
  const listener = logListener(options.log, process.stdout.isTTY, writeLine);
  if (listener !== undefined) events.on(listener);
  return serveBun(cacheApp(proxy, events, relaySettings(options)), options);
}

/** Where WebSockets go for these options. */
export function relaySettings(options: CacheOptions): RelaySettings {
  const origin = options.origin[0]?.origin ?? "";
  return {
    originFor: () => origin,
    hostField: options.originHost,
    timeoutMs: options.firstByteTimeout,
  };
}

/** What is cached, for the line that says so: `http://a:1, http://b:1 (/api)`. */
export function cachedOrigins({ origin }: CacheOptions): string {
  return origin.map((one) => (one.prefix === "/" ? one.origin : `${one.origin} (${one.prefix})`)).join(", ");
}
