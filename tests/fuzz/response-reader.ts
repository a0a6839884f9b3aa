// Answers: which response is at a place in what a server sent, read by the letter.
// Owns: status lines and the framing of responses (RFC 9112 §4, §6.3); a server of ours gets no leniency.
// Leaves out: whose answer it is (`oracle.ts`).
import { bad, chunkedAt, fieldsOf, linesAt, valuesOf, type Field, type Reading } from "./message-grammar.ts";

/** A final response, read whole. */
export interface ReadResponse {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly body: string;
  /** How many 1xx responses came in front of it. */
  readonly interim: number;
}

/** What is known of a connection while a response is read. */
export interface ResponseContext {
  /** The method that it answers. */
  readonly method: string;
  /** How the server has left: a body without length ends where it has ended the connection in order. */
  readonly closed: "open" | "ended" | "reset";
}

/** Reads the response at a place, with the 1xx responses in front of it. Never throws. */
export function readResponse(text: string, start: number, context: ResponseContext): Reading<ReadResponse> {
  let at = start;
  for (let interim = 0; ; interim++) {
    const section = linesAt(text, at);
    if (section.kind !== "read") return section;
    const [line = "", ...lines] = section.value.lines;
    if (section.value.hasBareLf) return bad("a line that ends with a bare LF");
    const [, code] = /^HTTP\/1\.[01] ([1-9]\d\d) [\t\x20-\x7e\x80-\xff]*$/.exec(line) ?? [];
    if (code === undefined) return bad(`no status line: ${JSON.stringify(line.slice(0, 80))}`);
    const fields = fieldsOf({ lines, hasBareLf: false });
    if (fields.kind !== "read") return fields;
    if (fields.liberties.length > 0) return bad(fields.liberties.join());
    at = section.end;
    const status = Number(code);
    if (status >= 200) return bodied(text, at, { status, fields: fields.value, interim }, context);
    if (status === 101) return bad("a switch of protocols that nobody agreed on");
  }
}

function bodied(
  text: string,
  at: number,
  head: Omit<ReadResponse, "body">,
  { method, closed }: ResponseContext,
): Reading<ReadResponse> {
  const { status, fields } = head;
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  if (lengths.length > 1 || lengths.some((length) => !/^\d+$/.test(length)))
    return bad("Content-Length is no number");
  if (codings.length > 0 && lengths.length > 0) return bad("Content-Length beside Transfer-Encoding");
  const read = (body: string, end: number): Reading<ReadResponse> => ({
    kind: "read",
    value: { ...head, body },
    end,
    liberties: [],
  });
  if (method === "HEAD" || status === 204 || status === 304) return read("", at);
  if (codings.length > 0) {
    if (codings.join().toLowerCase() !== "chunked") return bad(`Transfer-Encoding: ${codings.join()}`);
    const chunked = chunkedAt(text, at);
    return chunked.kind === "read" ? read(chunked.value.content, chunked.end) : chunked;
  }
  const [length] = lengths;
  // A refusal without content is whole, also where the client's unread bytes turned the close into a reset.
  const isEmptyRefusal = status >= 400 && at === text.length && closed === "reset";
  if (length === undefined) {
    return closed === "ended" || isEmptyRefusal ? read(text.slice(at), text.length) : { kind: "incomplete" };
  }
  const end = at + Number(length);
  return text.length < end ? { kind: "incomplete" } : read(text.slice(at, end), end);
}
