// Answers: what the admin's Hono app is.
// Owns: its routes under /api, their JSON, and one error form: `{ error }`.
// Leaves out: who may use it (`guard.ts`), the reading of a purge (`purge-order.ts`), listening (`serve-admin.ts`).
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Purged } from "../purge.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { refusal } from "./guard.ts";
import { purgeOrder } from "./purge-order.ts";

/** What the admin can ask of the cache. */
export interface AdminParts {
  readonly stats: () => object | Promise<object>;
  /** Settles when nothing is left of it, or when it is known where something is. */
  readonly purge: (targets: readonly InvalidationTarget[]) => Promise<Purged>;
}

/** Up to a megabyte of a request, whether it says its length or not. */
const LIMITED = bodyLimit({
  maxSize: 2 ** 20,
  onError: (context) => context.json({ error: "expected at most 1 MB" }, 413),
});

const METHODS_OF: Readonly<Record<string, string>> = {
  "/api/purge": "POST",
  "/api/stats": "GET, HEAD",
  "/healthz": "GET, HEAD",
};

/** The app; an empty token is none. */
export function adminApp(parts: AdminParts, token: string): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    const { method, headers: fields } = context.req.raw;
    const refused = refusal({ method, fields }, token);
    if (refused === undefined) await next();
    else if (refused.status === 401) context.header("WWW-Authenticate", "Bearer");
    if (refused !== undefined) return context.json({ error: refused.line }, refused.status);
    context.header("Cache-Control", "no-store");
    return undefined;
  });
  app.get("/healthz", (context) => context.text("ok\n"));
  app.get("/api/stats", async (context) => context.json(await parts.stats()));
  app.post("/api/purge", LIMITED, async (context) => {
    const order = purgeOrder(await context.req.text());
    if ("wrong" in order) return context.json({ error: order.wrong }, 400);
    return context.json(await parts.purge(order.targets));
  });
  app.notFound((context) => {
    const allowed = METHODS_OF[context.req.path];
    if (allowed === undefined)
      return context.json({ error: "there is POST /api/purge, GET /api/stats and GET /healthz" }, 404);
    // RFC 9110 §15.5.6.
    context.header("Allow", allowed);
    return context.json({ error: `${context.req.method} is not for this path` }, 405);
  });
  app.onError((error, context) => context.json({ error: error.message }, 500));
  return app;
}
