// Answers: what an origin does that honours ranges and dies in the middle, several times where wanted.
// Owns: the script of such an origin.
// Leaves out: origins that answer the resumption with something else (`fill-resume-refused.test.ts`).
import type { FieldRecord } from "../scripted-origin.ts";
import type { Script } from "./targeted-origin.ts";

/** How a response says where it ends. */
export type Framing = "length" | "chunks";

/** The fields of a response that can be resumed (RFC 9110 §13.1.5, §14.3), and stored. */
export const RESUMABLE = { "Cache-Control": "max-age=60", ETag: '"v1"', "Accept-Ranges": "bytes" };

/** What such an origin has. */
export interface Dying {
  readonly whole: string;
  /** Where it dies, as offsets into the content, one a request; afterwards it lives. */
  readonly deaths: readonly number[];
  readonly framing?: Framing;
  readonly fields?: FieldRecord;
}

/** An origin that sends the content or the rest of it, as far as its next death. */
export function dying({ whole, deaths, framing = "length", fields = RESUMABLE }: Dying): Script {
  let count = 0;
  return async (asked) => {
    const death = deaths[count++];
    const [, start = ""] = /^bytes=(\d+)-(?:\d+)?$/.exec(asked.get("range") ?? "") ?? [];
    const isPart = start !== "" && asked.get("if-range") === fields["ETag"];
    const first = isPart ? Number(start) : 0;
    const content = whole.slice(first);
    const range = isPart ? { "Content-Range": `bytes ${first}-${whole.length - 1}/${whole.length}` } : {};
    const length = framing === "length" ? { "Content-Length": String(content.length) } : {};
    await asked.head({ status: isPart ? 206 : 200, fields: { ...fields, ...range, ...length } });
    const sent = content.slice(0, death === undefined ? content.length : Math.max(0, death - first));
    if (framing === "length") await asked.send(sent);
    else if (sent !== "") await asked.chunk(sent);
    if (death !== undefined) asked.breakOff();
    else if (framing === "chunks") await asked.lastChunk();
  };
}
