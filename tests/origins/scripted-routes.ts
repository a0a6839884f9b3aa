// Answers: what do origins look like that no request reaches?
// Owns: settings and parts for tests of this room, in which nothing connects.
// Leaves out: the claims (`*.test.ts` beside it).
import { Origin, type OriginParts } from "../../lib/origins/origin.ts";
import { Routes, type RoutesSettings } from "../../lib/origins/routes.ts";
import type { OriginRoute } from "../../lib/option-values.ts";

/** One place, one who waits, two failures, no connect deadline. */
export const SETTINGS: RoutesSettings = {
  limit: 1,
  queueLimit: 1,
  breakerFailures: 2,
  connectTimeoutMs: 0,
  balance: "round-robin",
};

/** Parts that connect nowhere and tell nobody. */
export const PARTS: OriginParts = {
  connect: () => Promise.reject(new Error("nothing connects here")),
  after: () => () => {},
  nowMs: () => 0,
  onBreaker: () => {},
};

/** An origin of that host, with any number of places. */
export function originOf(host: string): Origin {
  return new Origin(`http://${host}`, { ...SETTINGS, limit: 0 }, PARTS);
}

/** Routes from `prefix=host` pairs. */
export function routesOf(...pairs: readonly string[]): Routes {
  const routes = pairs.map((pair): OriginRoute => {
    const [prefix = "", host = ""] = pair.split("=");
    return { prefix, origin: `http://${host}` };
  });
  return new Routes(routes, SETTINGS, PARTS);
}
