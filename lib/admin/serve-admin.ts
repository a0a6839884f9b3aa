// Answers: where the admin listens.
// Owns: its port, the address that is allowed without a token, and doing without it where the port is taken.
// Leaves out: what it answers (`admin-app.ts`), sockets (`../wire/`).
import { CacheError, ConfigError } from "../errors.ts";
import type { CacheOptions } from "../option-tables.ts";
import type { Running } from "../wire/serve-bun.ts";
import { servePlain } from "../wire/serve-plain.ts";
import { adminApp, type AdminParts } from "./admin-app.ts";

/** The port where none is named. */
const USUAL_PORT = 8002;

/** What of the options is about it. */
export type AdminOptions = Pick<CacheOptions, "admin" | "adminHost" | "adminToken">;

/** @throws ConfigError where it would be open to other machines without a token. */
export function checkAdmin({ admin, adminHost, adminToken }: AdminOptions): void {
  if (admin === "off" || adminToken !== "" || isLoopback(adminHost)) return;
  throw new ConfigError("--admin-host", adminHost, "needs --admin-token: others could purge the cache");
}

/**
 * Starts it; `undefined` where it is off, or where its usual port is taken and none was named.
 * @throws CacheError where the named port is taken.
 */
export async function serveAdmin(
  { admin, adminHost: host, adminToken }: AdminOptions,
  parts: AdminParts,
  warn: (line: string) => void,
  usualPort = USUAL_PORT,
): Promise<Running | undefined> {
  if (admin === "off") return undefined;
  const app = adminApp(parts, adminToken);
  try {
    return await servePlain(app, { host, port: admin === "auto" ? usualPort : admin, drainTimeout: 1000 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    if (admin !== "auto")
      throw new CacheError("admin", `--admin ${admin}: this port is taken (another, or --admin off)`, error);
    warn(`port ${usualPort} is taken: no admin (--admin PORT names another, --admin off none)`);
    return undefined;
  }
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(host);
}
