// Answers: how the parts of the cache are put together and started.
// Owns: options → store, origin, engine, app, socket.
// Leaves out: the command line (`command.ts`), the parts.
import type { AdminParts } from "./admin/admin-app.ts";
import { BackOff } from "./back-off.ts";
import { cacheApp } from "./cache-app.ts";
import { Collapser } from "./collapse.ts";
import { Events } from "./events.ts";
import { exactApp } from "./exact-app.ts";
import { Forwarder, type ForwarderParts, type ForwardingSettings } from "./forward.ts";
import { limitHotAnswers } from "./hot-answers.ts";
import { removeTargets } from "./invalidate.ts";
import { logListener, type WriteLine } from "./log.ts";
import type { Handler } from "./message.ts";
import { amongWorkers, memoryOnly, openStores, type Stores } from "./open-stores.ts";
import type { CacheOptions } from "./option-tables.ts";
import { askThrough } from "./origins/health-request.ts";
import { HealthChecks } from "./origins/health.ts";
import type { OriginStats } from "./origins/origin.ts";
import { Routes } from "./origins/routes.ts";
import { after } from "./origins/timer.ts";
import { Proxy, type ProxyParts } from "./proxy.ts";
import { purgeTargets, withPurge } from "./purge.ts";
import type { InvalidationTarget } from "./rfc9111/cache-groups.ts";
import type { CachingRules } from "./rfc9111/outcome.ts";
import { deltaSeconds } from "./rfc9111/time.ts";
import type { Store, StoreStats } from "./store/store.ts";
import { addressList } from "./wire/address-list.ts";
import { sendThroughNode } from "./wire/forward-node.ts";
import { sendThroughTcp } from "./wire/forward-tcp.ts";
import type { Send } from "./wire/origin-exchange.ts";
import { connectTcp } from "./wire/tcp-connect.ts";
import { serveBun, type Running } from "./wire/serve-bun.ts";
import { serveLane } from "./wire/serve-lane.ts";
import { serveNode } from "./wire/serve-node.ts";
import { wireFor, type Wire } from "./wire-for.ts";

/** What runs, counted: sizes in bytes. */
export interface EngineStats {
  readonly store: StoreStats;
  /** Requests to the origin that are neither answered nor stored yet. */
  readonly fillsInFlight: number;
  readonly origins: readonly OriginStats[];
}

/** How an engine that is one of several works together with the others (`workers/`). */
export interface Together {
  /** Names all of them in CDN-Loop. */
  readonly loopToken: string;
  /** Puts the others in front of the origin. */
  readonly ahead: (own: Forwarder, parts: ForwarderParts) => ProxyParts["forwarder"];
  readonly elsewhere: ProxyParts["elsewhere"];
  /** Whether a key is this process's to fetch, and to bring to the tiers behind memory. */
  readonly isOwn: (key: string) => boolean;
}

/** The engine, and what can be asked of it besides answers. */
export interface Engine {
  readonly proxy: Proxy;
  /** The same with PURGE in front, for wires that bring such requests. */
  readonly front: Handler;
  readonly forwarder: Forwarder;
  readonly events: Events;
  readonly stats: () => EngineStats;
  /** Nothing of what is stored or on its way here for these is left when it settles; how much of each was stored. */
  readonly remove: (targets: readonly InvalidationTarget[]) => Promise<readonly number[]>;
  /** Nothing of what these mean is left, here or elsewhere, when it settles. */
  readonly purge: AdminParts["purge"];
  /** Ends what it does without being asked, and the tiers behind memory when all is there that was given to them. */
  readonly stop: () => Promise<void>;
}

/** The engine for these options; tests and other wires put their own app in front. */
export function cacheEngine(
  options: CacheOptions,
  stores: Stores = memoryOnly(options),
  together?: Together,
): Engine {
  const events = new Events();
  const clockMs = Date.now;
  const { store } = stores;
  limitHotAnswers(options.memory);
  const collapser = new Collapser();
  const routes = routesFor(options, events);
  const send = wireFor(options) === "exact" ? sendThroughNode : sendThroughTcp;
  const health = healthChecks(options, routes, send, events);
  const settings = { ...forwardingSettings(options), loopToken: together?.loopToken };
  const forwarding = { settings, routes, send, events, clockMs };
  const forwarder = new Forwarder(forwarding);
  const rules = rulesFrom(options, stores);
  const others = { elsewhere: together?.elsewhere, fleet: fleetFor(stores, together) };
  const places = { store, collapser, events, rules, ...others, clockMs };
  const proxy = new Proxy({
    ...places,
    forwarder: together?.ahead(forwarder, forwarding) ?? forwarder,
    backOff: new BackOff(),
    maxLagBytes: options.maxLag,
    origin: cachedOrigins(options),
    uncollapse: options.uncollapse,
  });
  health.start();
  const stats = (): EngineStats => statsOf(store, collapser, routes);
  const remove: Engine["remove"] = (targets) => removeTargets({ store, collapser }, targets);
  stores.onPurge(remove);
  const front = withPurge(proxy, { ...places, mayPurge: addressList(options.purgeFrom) });
  const purge: Engine["purge"] = (targets) => purgeTargets(places, targets);
  const stop = (): Promise<void> => {
    health.stop();
    return stores.close();
  };
  return { proxy, front, forwarder, events, stats, remove, purge, stop };
}

function statsOf(store: Store, { inFlight }: Collapser, { origins }: Routes): EngineStats {
  return { store: store.stats(), fillsInFlight: inFlight, origins: origins.map((one) => one.stats()) };
}

function fleetFor(stores: Stores, together: Together | undefined): Stores["fleet"] {
  return together === undefined ? stores.fleet : amongWorkers(stores, together.isOwn);
}

function routesFor(options: CacheOptions, events: Events): Routes {
  const { origin, balance, originLimit: limit, originQueue: queueLimit } = options;
  const { breaker: breakerFailures, connectTimeout: connectTimeoutMs } = options;
  return new Routes(
    origin,
    { balance, limit, queueLimit, breakerFailures, connectTimeoutMs },
    {
      connect: connectTcp,
      after,
      nowMs: () => performance.now(),
      onBreaker: (url, state, failures) => events.emit({ kind: "breaker", origin: url, state, failures }),
    },
  );
}

function healthChecks(options: CacheOptions, routes: Routes, send: Send, events: Events): HealthChecks {
  const { healthCheck: path, healthInterval: intervalMs, originHost } = options;
  return new HealthChecks(
    routes.origins,
    { path, intervalMs },
    {
      ask: askThrough(send, originHost),
      after,
      onChange: ({ origin, isHealthy, detail }) =>
        events.emit({ kind: "health", origin, healthy: isHealthy, detail }),
    },
  );
}

function forwardingSettings(options: CacheOptions): ForwardingSettings {
  return {
    hostField: options.originHost,
    deadlines: {
      firstByteMs: options.firstByteTimeout,
      betweenBytesMs: options.betweenBytesTimeout,
      totalMs: options.totalTimeout,
    },
    trustsClose: options.closeDelimited === "store",
  };
}

function rulesFrom(options: CacheOptions, stores: Stores): CachingRules {
  return {
    get mustValidate() {
      return stores.mustValidate?.() === true;
    },
    heuristic: { share: options.heuristicShare, max: deltaSeconds(options.heuristicMax) },
    vary: options.vary,
    staleIfError: deltaSeconds(options.staleIfError),
    staleWhileRevalidate: deltaSeconds(options.staleWhileRevalidate),
    originAuthorities: options.origin.map((one) => new URL(one.origin).host),
  };
}

/** Starts the cache; log lines go to `writeLine`. Rejects where the port is taken, or the wire cannot be had here. */
export async function serveCache(
  options: CacheOptions,
  writeLine: WriteLine = console.log,
): Promise<Running & AdminParts> {
  const engine = cacheEngine(options, await openStores(options));
  const listener = logListener(options.log, process.stdout.isTTY, writeLine);
  if (listener !== undefined) engine.events.on(listener);
  const { stats, purge } = engine;
  return { ...(await serveEngine(engine, options)), stats, purge };
}

/** Puts an engine behind the wire of these options, on a port of its own or a shared one. Rejects as `serveCache` does. */
export async function serveEngine(
  engine: Engine,
  options: CacheOptions,
  sharesPort = false,
): Promise<Running> {
  const { proxy, front, events, forwarder, stop } = engine;
  const listening = { ...options, sharesPort, idleSeconds: idleSecondsFor(options), noticeMs: NOTICE_MS };
  const running = await listeningOn(wireFor(options));
  return { ...running, stop: () => running.stop().finally(stop) };

  async function listeningOn(wire: Wire): Promise<Running> {
    if (wire === "exact") return serveNode(exactApp({ ...engine, proxy: front }), listening);
    const app = cacheApp(front, events, forwarder);
    return wire === "lane" ? serveLane(proxy, app, listening) : serveBun(app, listening);
  }
}

/** Long enough for a client that is busy to have its answer, short enough for who waits for the end. */
export const NOTICE_MS = 200;

/** A client waits at least as long as the origin may be silent, up to the 255 s that Bun can. */
function idleSecondsFor({ betweenBytesTimeout }: CacheOptions): number {
  return Math.min(255, Math.max(120, Math.ceil(betweenBytesTimeout / 1000) + 5));
}

/** What is cached, for the line that says so: `http://a:1, http://b:1 (/api)`. */
export function cachedOrigins({ origin }: CacheOptions): string {
  return origin.map((one) => (one.prefix === "/" ? one.origin : `${one.origin} (${one.prefix})`)).join(", ");
}
