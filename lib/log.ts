// Answers: what a person, or a machine, reads about each request.
// Owns: one line a request, in colour or as JSON.
// Leaves out: the events themselves (`events.ts`), the origin's log (`origin-log.ts`).
import type { OutcomeWord } from "./cache-status.ts";
import type { CacheEvent, Listener, Storage } from "./events.ts";

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
  ERROR: "\x1b[31m",
};

/** The listener that logs; `undefined` where nothing is to be logged. */
export function logListener(style: LogStyle, isTerminal: boolean, write: WriteLine): Listener | undefined {
  if (style === "off" || (style === "auto" && !isTerminal)) return undefined;
  if (style === "json") return (event) => write(JSON.stringify({ time: new Date().toISOString(), ...event }));
  return (event) => write(prettyLine(event, isTerminal));
}

/** `MISS uri-miss  GET http://localhost:8001/ 200  stored 1.2 kB, fresh 60 s  3 ms` */
export function prettyLine(event: CacheEvent, inColour: boolean): string {
  if (event.kind === "invalidated") return `INVALIDATED ${event.uri}  ${event.removed} stored`;
  if (event.kind === "fault") return `FAULT ${event.uri}  ${event.message}`;
  const { word } = event.report;
  const label = inColour ? `${COLOURS[word]}${word}\x1b[0m` : word;
  const what = `${event.method} ${event.uri} ${event.status}`;
  const background = event.background ? ["in the background"] : [];
  const took = event.durationMs < 1 ? "<1 ms" : `${Math.round(event.durationMs)} ms`;
  return [[label, why(event)].filter((part) => part !== "").join(" "), what, ...background, took].join("  ");
}

/** A number of bytes for people, in steps of 1000. */
export function readableBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const step = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toFixed(1)} ${["B", "kB", "MB", "GB", "TB"][step]}`;
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
    return `stored ${readableBytes(storage.bytes)}, fresh ${storage.freshSeconds} s`;
  return storage.kind === "broken" ? `broke off: ${storage.message}` : `not stored: ${storage.reason}`;
}
