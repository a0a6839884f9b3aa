// Answers: what a person or a program reads about each request to the origin.
// Owns: the one line a request, pretty or JSON, and which of them `--log` means.
// Leaves out: the cache's log.
import type { MiddlewareHandler } from "hono";
import type { OriginOptions } from "./option-tables.ts";
import { readableBytes } from "./readable-bytes.ts";

/** What happened to one request. */
export interface LoggedRequest {
  readonly time: string;
  readonly status: number;
  readonly method: string;
  /** The target, from its path on, as Bun hands it over. */
  readonly target: string;
  /** Length of the content that was announced; 0 for HEAD. */
  readonly bytes: number;
  /** Milliseconds until the header section was ready. */
  readonly ms: number;
}

/** Takes each request once it is answered. */
export type WriteLine = (logged: LoggedRequest) => void;

/** Where lines go for a value of `--log`; `undefined` where there are none. */
export function logLines(
  log: OriginOptions["log"],
  write: (line: string) => void = console.log,
): WriteLine | undefined {
  const terminal = process.stdout.isTTY;
  const how = log === "auto" ? (terminal ? "pretty" : "off") : log;
  switch (how) {
    case "off":
      return undefined;
    case "json":
      return (logged) => write(JSON.stringify(logged));
    case "pretty":
      return (logged) => write(prettyLine(logged, terminal && !process.env["NO_COLOR"]));
    default:
      return how satisfies never;
  }
}

/** `200 GET /index.html 1.2 kB 3 ms`, with the status in colour if wanted. */
export function prettyLine(logged: LoggedRequest, colour: boolean): string {
  const status = colour ? `\x1b[${colourOf(logged.status)}m${logged.status}\x1b[0m` : String(logged.status);
  // A target that Bun made no URL of may hold anything but a space or a line end.
  const target = logged.target.replaceAll(/[^\x21-\x7e]/g, "?");
  return `${status} ${logged.method} ${target} ${readableBytes(logged.bytes)} ${Math.round(logged.ms)} ms`;
}

/** Hono middleware that gives each answered request to `write`. */
export function logRequests(write: WriteLine): MiddlewareHandler {
  return async (context, next) => {
    const startedMs = performance.now();
    await next();
    const { method, url } = context.req;
    write({
      time: new Date().toISOString(),
      status: context.res.status,
      method,
      target: url.startsWith("/") ? url : url.slice(url.indexOf("/", url.indexOf("://") + 3)),
      bytes: method === "HEAD" ? 0 : Number(context.res.headers.get("content-length") ?? 0),
      ms: Math.round((performance.now() - startedMs) * 10) / 10,
    });
  };
}

function colourOf(status: number): number {
  return status < 300 ? 32 : status < 400 ? 36 : status < 500 ? 33 : 31;
}
