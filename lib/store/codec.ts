// Answers: what a stored response looks like outside of the process.
// Owns: its head as text, and back. Whoever changes the form changes its version (`head-version.ts`).
// Leaves out: bodies, and where the text is kept (`disk.ts`, `../shared/`).
import type { LifetimeSource, Selecting, StoredHead } from "../message.ts";
import { responseDirectives } from "../rfc9111/cache-control.ts";
import { deltaSeconds, type EpochSeconds } from "../rfc9111/time.ts";
import { validatorsOf } from "../rfc9111/validation.ts";
import { FieldBlock, textOnce } from "./field-block.ts";

/** In the order of its letters: the times are seconds since 1970. */
type HeadRow = readonly [
  status: number,
  reason: string | null,
  fields: string,
  selecting: readonly [names: readonly string[], values: string] | null,
  times: readonly [dateValue: number, responseTime: number, bornAt: number, staleAt: number],
  lifetimeSource: LifetimeSource,
  isPurged: 0 | 1,
];

/** The head as text, without its key. */
export function encodeHead(head: StoredHead): string {
  const { status, reason, fields, selecting, dateValue, responseTime, bornAt, staleAt } = head;
  const row: HeadRow = [
    status,
    reason ?? null,
    textOnce(fields),
    selecting === undefined ? null : [selecting.names, selecting.values],
    [dateValue, responseTime, bornAt, staleAt],
    head.lifetimeSource,
    head.isPurged === true ? 1 : 0,
  ];
  return JSON.stringify(row);
}

/** The head that was encoded so; `undefined` where the text is none. */
export function decodeHead(key: string, text: string): StoredHead | undefined {
  try {
    return headFrom(key, JSON.parse(text) as HeadRow);
  } catch {
    return undefined;
  }
}

function headFrom(key: string, row: HeadRow): StoredHead {
  const [status, reason, text, selecting, times, lifetimeSource, isPurged] = row;
  const [dateValue, responseTime, bornAt, staleAt] = times as unknown as readonly EpochSeconds[] as [
    EpochSeconds,
    EpochSeconds,
    EpochSeconds,
    EpochSeconds,
  ];
  const fields = new FieldBlock(text);
  return {
    ...{ key, status, reason: reason ?? undefined, fields },
    ...{ directives: responseDirectives(fields), validators: validatorsOf(fields) },
    selecting: selecting === null ? undefined : ({ names: selecting[0], values: selecting[1] } as Selecting),
    ...{ dateValue, responseTime, bornAt, staleAt, lifetimeSource },
    lifetime: deltaSeconds(staleAt - bornAt),
    isPurged: isPurged === 1,
  };
}

/** What tells the variants of a key apart: equal exactly where one supersedes the other (`supersedes`). */
export function variantOf({ selecting }: Pick<StoredHead, "selecting">): string {
  return selecting === undefined ? "" : `${selecting.names.join()}\n${selecting.values}`;
}
