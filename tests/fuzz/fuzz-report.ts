// Answers: what a person reads of a run: the seed, each finding with its bytes, and how to have it again.
// Owns: the text, bytes escaped so that every one can be seen.
// Leaves out: what is a finding (`oracle.ts`, `known-limits.ts`).
import type { Finding, Result } from "./campaign.ts";
import { KNOWN_LIMITS, type Wire } from "./known-limits.ts";
import { sentBytes } from "./suspicion.ts";

const SHOWN = 1500;

/** One finding, with the command that runs its case alone. */
export function findingText(finding: Finding, seed: number, wire: string | undefined): string {
  const { kind, detail, fuzzCase, place, conversation, bytes, underWay } = finding;
  const option = wire === undefined ? "" : ` --wire ${wire}`;
  const lines = [`${kind}: ${detail}`];
  if (fuzzCase !== undefined) {
    lines.push(`  again: bun run fuzz --seed ${seed} --only ${fuzzCase.number}${option}`);
    lines.push(
      `  place ${place ?? "?"}, sent in ${fuzzCase.flights.map(({ pieces }) => pieces.length).join("+")} pieces, leaves: ${fuzzCase.leave}`,
    );
    lines.push(`  sent: ${escaped(sentBytes(fuzzCase))}`);
  } else if (underWay.length > 0) {
    lines.push(`  cases under way: bun run fuzz --seed ${seed} --only ${underWay.join()}${option}`);
  }
  if (bytes !== undefined) lines.push(`  at the origin: ${escaped(bytes)}`);
  if (conversation !== undefined) {
    lines.push(
      `  came: ${escaped(conversation.bytes)}`,
      `  connection: ${conversation.isHung ? "hung" : conversation.closed}`,
    );
  }
  return lines.join("\n");
}

/** The sums of a run. */
export function summaryText(result: Result, seed: number, wire: Wire): string {
  const { cases, requests, answers, atOrigin, seconds, memory, limits, findings } = result;
  const rows = KNOWN_LIMITS.filter(
    ({ wires }) => wires.includes(wire) || (wire === "lane" && wires.includes("bun")),
  );
  // A run ends early with many findings, and cases that are named one by one have no half.
  const megabytes = (value: number | undefined): string =>
    value === undefined ? "not looked at" : `${Math.round(value / 2 ** 20)} MB`;
  return [
    `fuzz: seed ${seed}: ${requests} requests in ${cases} cases, ${answers} answers, ${atOrigin} requests at the origin, ` +
      `${seconds.toFixed(1)} s (${Math.round(requests / seconds)} a second)`,
    `memory: ${megabytes(memory.half)} at half, ${megabytes(memory.end)} at the end`,
    `known limits: ${rows.map(({ name }) => `${name} ${limits.get(name) ?? 0}`).join(", ")}`,
    `${findings.length} findings`,
  ].join("\n");
}

/** Every byte visible, as in a string literal; of many the first and the last. */
export function escaped(bytes: string): string {
  if (bytes.length <= SHOWN) return `"${visible(bytes)}"`;
  const [front, back] = [bytes.slice(0, (SHOWN * 2) / 3), bytes.slice(-SHOWN / 3)];
  return `"${visible(front)}" … "${visible(back)}" (${bytes.length} bytes)`;
}

function visible(bytes: string): string {
  const code = (byte: string): string => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return bytes.replaceAll(/[^\x20-\x7e]|[\\"]/g, (byte) => ESCAPES[byte] ?? code(byte));
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\r": "\\r",
  "\n": "\\n",
  "\t": "\\t",
  "\\": "\\\\",
  '"': '\\"',
};
