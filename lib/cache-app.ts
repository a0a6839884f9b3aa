// Answers: what the cache's Hono app is: the door, then the engine, for every method and path.
// Owns: the way from a Request to a Response on a web-standard wire.
// Leaves out: what is refused (`door.ts`), what happens to the rest (`proxy.ts`), the socket (`wire/`).
import { Hono } from "hono";
import { refuse, type Refusal } from "./door.ts";
import type { Events } from "./events.ts";
import type { Proxy } from "./proxy.ts";
import { answerPage } from "./respond.ts";
import type { WireEnvironment } from "./wire/serve-bun.ts";
import { presentedFrom, responseFrom } from "./wire/web-message.ts";

/** The app. A hit in the memory tier is answered without a promise; the router has one route and parses no path. */
export function cacheApp(proxy: Proxy, events: Events): Hono<{ Bindings: WireEnvironment }> {
  const app = new Hono<{ Bindings: WireEnvironment }>({ getPath: () => "/" });
  app.all("*", (context): Response | Promise<Response> => {
    const request = context.req.raw;
    const refusal = refuse({ method: request.method, url: request.url, fields: request.headers });
    if (refusal !== undefined) return refusedResponse(request, refusal, events);
    const answer = proxy.handle(presentedFrom(request, () => context.env.clientAddress(request)));
    if (!(answer instanceof Promise)) return responseFrom(answer);
    context.env.expectDelay(request);
    return answer.then(responseFrom);
  });
  return app;
}

function refusedResponse(
  request: Request,
  { status, title, reason, line }: Refusal,
  events: Events,
): Response {
  const report = { word: "REFUSED", detail: reason } as const;
  const answer = answerPage(status, title, [line], report);
  events.emit({
    kind: "answered",
    method: request.method,
    uri: request.url,
    status,
    report,
    durationMs: 0,
    background: false,
  });
  if (status === 204 || request.method === "HEAD") return responseFrom({ ...answer, body: null });
  return responseFrom(answer);
}
