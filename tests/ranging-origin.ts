// Answers: what an origin does that has twenty bytes and honours ranges.
// Owns: the script of such an origin, and a Larder that has stored ranges of it.
// Leaves out: claims (`proxy-range.test.ts`, `proxy-completing.test.ts`).
import { expect } from "bun:test";
import type { Larder } from "./larder-under-test.ts";
import type { Asked, FieldRecord } from "./scripted-origin.ts";

/** The representation that the origin has. */
export const WHOLE = "0123456789abcdefghij";
/** Its fields. */
export const FRESH = { "Cache-Control": "max-age=60", ETag: '"1"', "Content-Type": "text/plain" };

/** An origin that honours one range, If-Range included. */
export function ranging(fields: FieldRecord = FRESH, whole = WHOLE): (asked: Asked) => Promise<void> {
  return (asked) => {
    const match = /^bytes=(\d*)-(\d*)$/.exec(asked.get("range") ?? "");
    const ifRange = asked.get("if-range");
    if (match === null || (ifRange !== undefined && ifRange !== fields["ETag"])) {
      return asked.reply({ fields, body: whole });
    }
    const first = match[1] === "" ? whole.length - Number(match[2]) : Number(match[1]);
    const last = match[1] === "" || match[2] === "" ? whole.length - 1 : Number(match[2]);
    return part(asked, { fields, first, last, whole });
  };
}

/** One range of it, whatever was asked for. */
export function part(
  asked: Asked,
  of: {
    readonly fields?: FieldRecord;
    readonly first: number;
    readonly last: number;
    readonly whole?: string;
  },
): Promise<void> {
  const { fields = FRESH, first, last, whole = WHOLE } = of;
  const range = { "Content-Range": `bytes ${first}-${last}/${whole.length}` };
  return asked.reply({ status: 206, fields: { ...fields, ...range }, body: whole.slice(first, last + 1) });
}

/** These ranges are stored, one request each; afterwards the origin waits. */
export async function stock(
  larder: Larder,
  ranges: readonly string[],
  fields: FieldRecord = FRESH,
): Promise<void> {
  larder.origin.script(ranging(fields));
  for (const range of ranges) {
    expect((await larder.get("/a", { Range: `bytes=${range}` })).status).toBe(206);
  }
  larder.origin.requests.length = 0;
  larder.origin.script(undefined);
}
