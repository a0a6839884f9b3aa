// Answers: how is a connection to Redis or Valkey made?
// Owns: ioredis and its options: nothing waits in a queue, nothing is sent twice, a silent connection is given up.
// Leaves out: what is asked on it, and when it is left alone (`link.ts`).
import type { ClusterOptions, RedisOptions } from "ioredis";
import type { SharedUrl } from "./url.ts";

/** An argument of a command: text in UTF-8, or bytes as they are. */
export type Argument = string | number | Buffer;

/** What is used of a client, whatever stands behind it. Commands reject where they cannot be sent at once. */
export interface Client {
  readonly status: string;
  /** The reply, its texts read as UTF-8. */
  call(command: string, ...args: Argument[]): Promise<unknown>;
  /** The reply, its texts as bytes. */
  callBuffer(command: string, ...args: Argument[]): Promise<unknown>;
  on(event: "ready" | "error", listener: (error?: unknown) => void): unknown;
  /** Ends the connection at once; with `true` another one follows. */
  disconnect(reconnect?: boolean): void;
}

/** The limits of a connection, in milliseconds. */
export interface ConnectionLimits {
  /** To connect. */
  readonly connectMs: number;
  /** A connection on which nothing comes for so long while a reply is due is given up. */
  readonly silentMs: number;
}

/** The least and the most between two attempts to connect. */
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 500;

/** Replies look the same whatever the server speaks. */
type Options = RedisOptions & { readonly replyMapping: "legacy" };

/** Begins to connect, and goes on trying until it is told to disconnect. @throws where ioredis cannot be loaded */
export async function connect(url: SharedUrl, limits: ConnectionLimits): Promise<Client> {
  const { Redis, Cluster } = await import("ioredis");
  const options = optionsFor(url, limits);
  const client =
    url.kind === "cluster"
      ? new Cluster([...url.hosts], clusterOptions(url, options))
      : new Redis(url.kind === "single" ? { ...options, ...url.hosts[0] } : sentinelOptions(url, options));
  // Told to `link.ts` by what becomes of commands; without a listener it would be printed.
  client.on("error", () => {});
  return client as unknown as Client;
}

function optionsFor(url: SharedUrl, { connectMs, silentMs }: ConnectionLimits): Options {
  return {
    ...{
      protocol: 2,
      replyMapping: "legacy",
      connectTimeout: connectMs,
      socketTimeout: silentMs,
      disableClientInfo: true,
    },
    ...{ enableOfflineQueue: false, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 },
    ...(url.username === undefined ? {} : { username: url.username }),
    ...(url.password === undefined ? {} : { password: url.password }),
    ...(url.isSecure ? { tls: {} } : {}),
    db: url.db,
    retryStrategy,
    // After a failover the old master is a replica: look again which one is the master.
    reconnectOnError: ({ message }) => message.startsWith("READONLY"),
  };
}

function sentinelOptions(url: SharedUrl, options: Options): Options {
  return {
    ...options,
    ...{ sentinels: [...url.hosts], name: url.masterName, sentinelRetryStrategy: retryStrategy },
    ...(options.connectTimeout === undefined ? {} : { sentinelCommandTimeout: options.connectTimeout }),
    ...(url.isSecure ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
  };
}

function clusterOptions(
  url: SharedUrl,
  options: Options,
): ClusterOptions & { readonly redisOptions: Options } {
  const { retryStrategy: _, enableOfflineQueue: __, ...redisOptions } = options;
  return {
    ...{ enableOfflineQueue: false, clusterRetryStrategy: retryStrategy, redisOptions },
    ...{ slotsRefreshTimeout: options.connectTimeout ?? LAST_RETRY_MS, slotsRefreshInterval: 5000 },
    // The deadline of a command is short: what does not work by then is not tried any more.
    ...{
      maxRedirections: 4,
      retryDelayOnFailover: 50,
      retryDelayOnClusterDown: 50,
      retryDelayOnTryAgain: 50,
    },
    // Names in certificates: an address is not looked up in front of TLS.
    ...(url.isSecure ? { dnsLookup: (address, done) => done(null, address) } : {}),
  };
}

function retryStrategy(times: number): number {
  return Math.min(FIRST_RETRY_MS * times, LAST_RETRY_MS);
}
