// Answers: what a number of seconds or an HTTP-date is.
// Owns: the branded time units and every conversion into them (§1.2.2; HTTP-date of RFC 9110 §5.6.7).
// Leaves out: what the times mean (`age.ts`, `freshness.ts`) and the clock itself, which is an argument everywhere.

import { remembering } from "./memo.ts";

/** Whole seconds since 1970-01-01T00:00:00Z. */
export type EpochSeconds = number & { readonly unit: "epoch-seconds" };

/** A span of whole seconds, 0 to 2^31. */
export type DeltaSeconds = number & { readonly unit: "delta-seconds" };

/** The largest span: a greater one is taken for this one (§1.2.2). */
export const MAX_DELTA = (2 ** 31) as DeltaSeconds;

const DAY = "(?:mon|tue|wed|thu|fri|sat|sun)";
const DAY_NAME = "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)";
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] as const;
const MONTH = `(?<month>${MONTHS.join("|")})`;
const TIME = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";

/** The three forms of RFC 9110 §5.6.7; a recipient may take letters in any case, and no other time zone than GMT (§4.2). */
const HTTP_DATES = [
  new RegExp(`^${DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`, "i"),
  new RegExp(`^${DAY_NAME}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`, "i"),
  new RegExp(`^${DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`, "i"),
] as const;

/** A moment from a clock that counts milliseconds; parts of a second are dropped. */
export function epochSeconds(clockMs: number): EpochSeconds {
  return Math.floor(clockMs / 1000) as EpochSeconds;
}

/** A span from arithmetic: negative and not-a-number become 0, more than 2^31 becomes 2^31. */
export function deltaSeconds(seconds: number): DeltaSeconds {
  if (!(seconds > 0)) return 0 as DeltaSeconds;
  return Math.min(Math.floor(seconds), MAX_DELTA) as DeltaSeconds;
}

/** `1*DIGIT` as §1.2.2 has it, saturating at 2^31; `undefined` for everything else (signs, decimals, white space). */
export function parseDeltaSeconds(value: string): DeltaSeconds | undefined {
  return /^[0-9]+$/.test(value) ? deltaSeconds(Number(value)) : undefined;
}

/**
 * An HTTP-date in one of its three forms; `undefined` for anything else. Never throws.
 * A two-digit year more than 50 years after `now` is taken for the past century's (RFC 9110 §5.6.7).
 */
export function parseHttpDate(value: string, now: EpochSeconds): EpochSeconds | undefined {
  if (value.length < 24 || value.length > 33) return undefined;
  // Of the three, only this form is 29 characters long with a comma there, and says its whole year.
  return value.length === 29 && value[3] === "," ? imfFixdate(value) : parseDate(value, now);
}

/** The IMF-fixdate of a moment. */
export function formatHttpDate(moment: EpochSeconds): string {
  return new Date(moment * 1000).toUTCString();
}

const imfFixdate = remembering((value) => parseDate(value, 0 as EpochSeconds));

function parseDate(value: string, now: EpochSeconds): EpochSeconds | undefined {
  for (const form of HTTP_DATES) {
    const parts = form.exec(value)?.groups;
    if (parts !== undefined) return fromParts(parts, now);
  }
  return undefined;
}

function fromParts(parts: Readonly<Record<string, string>>, now: EpochSeconds): EpochSeconds | undefined {
  const [day, hour, minute, second] = [parts["day"], parts["hour"], parts["minute"], parts["second"]].map(
    Number,
  );
  const month = MONTHS.findIndex((name) => name === parts["month"]?.toLowerCase());
  if (day === undefined || hour === undefined || minute === undefined || second === undefined)
    return undefined;
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const date = new Date(0);
  const year = parts["year"] ?? "";
  date.setUTCFullYear(year.length === 4 ? Number(year) : inThisCentury(Number(year), now), month, day);
  if (date.getUTCDate() !== day || date.getUTCMonth() !== month) return undefined;
  date.setUTCHours(hour, minute, second);
  if (year.length === 2 && date.getTime() > fiftyYearsAfter(now))
    date.setUTCFullYear(date.getUTCFullYear() - 100);
  return epochSeconds(date.getTime());
}

function inThisCentury(year: number, now: EpochSeconds): number {
  const thisYear = new Date(now * 1000).getUTCFullYear();
  return thisYear - (thisYear % 100) + year;
}

function fiftyYearsAfter(now: EpochSeconds): number {
  const date = new Date(now * 1000);
  return date.setUTCFullYear(date.getUTCFullYear() + 50);
}
