// Answers: what a person, or a machine, reads about each request.
// Owns: one line a request, in colour or as JSON.
// Leaves out: the events themselves (`events.ts`), the origin's log (`origin-log.ts`).
import type { OutcomeWord } from "./cache-status.ts";
import type { CacheEvent, InvalidationNames, Listener, Storage } from "./events.ts";
import { readableBytes } from "./readable-bytes.ts";

/** How the log looks; `auto` is pretty on a terminal, off otherwise. */
export type LogStyle = "auto" | "pretty" | "json" | "off";

/** Writes one line, without its end. */
export type WriteLine = (line: string) => void;

type Answered = Extract<CacheEvent, { kind: "answered" }>;

const COLOURS: Readonly<Record<OutcomeWord, string>> = {
  HIT: "\x1b[32m",
  VALIDATED: "\x1b[36m",
  STALE: "\x1b[33m",
  MISS: "\x1b[35m",
  PASS: "\x1b[34m",
  REFUSED: "\x1b[31m",
  PURGED: "\x1b[33m",
  ERROR: "\x1b[31m",
};

/** The listener that logs; `undefined` where nothing is to be logged. */
export function logListener(style: LogStyle, isTerminal: boolean, write: WriteLine): Listener | undefined {
  if (style === "off" || (style === "auto" && !isTerminal)) return undefined;
  if (style === "json") return (event) => write(JSON.stringify({ time: new Date().toISOString(), ...event }));
  const inColour = isTerminal && !process.env["NO_COLOR"];
  const leftAlone = new Set<string>();
  return (event) => {
    if (event.kind !== "breaker" || isNews(event, leftAlone)) write(prettyLine(event, inColour));
  };
}

/** A breaker tries its origin twice a second: a person is told when that is left alone, and when it is back. */
function isNews(event: Extract<CacheEvent, { kind: "breaker" }>, leftAlone: Set<string>): boolean {
  if (event.state === "closed") return leftAlone.delete(event.origin);
  if (leftAlone.has(event.origin)) return false;
  leftAlone.add(event.origin);
  return true;
}

/** `MISS uri-miss, stored 1.2 kB, fresh 60 s  GET http://localhost:8001/ 200  3 ms`; always one line. */
export function prettyLine(event: CacheEvent, inColour: boolean): string {
  // What a request or an origin sent must neither end the line nor move the cursor.
  const line = plainLine(event).replaceAll(/[\x00-\x1f\x7f-\x9f]/g, "?");
  if (!inColour || event.kind !== "answered") return line;
  const { word } = event.report;
  return `${COLOURS[word]}${word}\x1b[0m${line.slice(word.length)}`;
}

function plainLine(event: CacheEvent): string {
  if (event.kind !== "answered") return stepLine(event);
  const label = [event.report.word, why(event)].filter((part) => part !== "").join(" ");
  const took = event.durationMs < 1 ? "<1 ms" : `${Math.round(event.durationMs)} ms`;
  const background = event.background ? ["in the background"] : [];
  return [label, `${event.method} ${event.uri} ${event.status}`, ...background, took].join("  ");
}

/** What happened besides the answers, in the words of its kind. */
function stepLine(event: Exclude<CacheEvent, Answered>): string {
  switch (event.kind) {
    case "invalidated":
      return `INVALIDATED ${invalidatedText(event)}  ${event.removed} stored`;
    case "uncollapsed":
      return `UNCOLLAPSED ${event.uri}  for ${event.seconds} s: ${event.reason}`;
    case "resumed":
      return `RESUMED ${event.uri}  at byte ${event.at}`;
    case "revalidation-failed":
      return `REVALIDATION FAILED ${event.uri}  ${event.failures} in a row, not again for ${event.retryMs / 1000} s`;
    case "breaker":
      return `BREAKER ${event.origin}  ${event.state}, ${event.failures} failures in a row`;
    case "health":
      return `HEALTH ${event.origin}  ${event.healthy ? "well" : "not well"}: ${event.detail}`;
    case "fault":
      return `FAULT ${event.uri}  ${event.message}`;
    default:
      return event satisfies never;
  }
}

function invalidatedText({ uri, group, tag, prefix, soft }: InvalidationNames): string {
  const labels = Object.entries({ group, tag, prefix }).flatMap(([kind, name]) =>
    name === undefined ? [] : [`${kind} ${name}`],
  );
  const names = [...(uri === undefined ? [] : [uri]), ...labels];
  return `${names.length === 0 ? "everything" : names.join(" ")}${soft === true ? " softly" : ""}`;
}

function why({ report, ageSeconds, storage }: Answered): string {
  const parts: string[] = [];
  if (report.word === "HIT") parts.push(`age ${ageSeconds ?? 0}, fresh ${report.ttl ?? 0} s more`);
  if (report.word === "STALE") parts.push(`age ${ageSeconds ?? 0}, stale for ${-(report.ttl ?? 0)} s`);
  if (report.fwd !== undefined) parts.push(report.fwd);
  if (report.word === "VALIDATED") parts.push(`fresh ${Math.max(0, report.ttl ?? 0)} s more`);
  if (report.collapsed !== undefined) parts.push(report.collapsed ? "collapsed" : "not collapsed");
  if (report.detail !== undefined) parts.push(detailOf(report.word, report.detail));
  if (storage !== undefined) parts.push(storageText(storage));
  return parts.join(", ");
}

function detailOf(word: OutcomeWord, detail: string): string {
  return word === "MISS" || word === "PASS" ? `not stored: ${detail}` : detail;
}

function storageText(storage: Storage): string {
  if (storage.kind === "stored")
    return `stored ${readableBytes(storage.bytes)}, fresh ${Math.max(0, storage.freshSeconds)} s`;
  return storage.kind === "broken" ? `broke off: ${storage.message}` : `not stored: ${storage.reason}`;
}
