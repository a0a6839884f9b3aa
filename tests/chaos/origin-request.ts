// Answers: what the cache asked the origin for.
// Owns: the parts of a request that the origin of these runs reads.
// Leaves out: the bytes on the socket (`../conformance/http-message.ts`), the answer (`origin-answer.ts`).
import { fieldValue, readBody, readHead, type ByteSource, type Field } from "../conformance/http-message.ts";
import { firstDifference, contentOf } from "./content.ts";

/** A request as the origin sees it. */
export interface OriginRequest {
  readonly method: string;
  /** The path without its leading slash: the id of an object. */
  readonly object: string;
  /** What the client called its request. */
  readonly id: string;
  /** The value of a field, "" where it is absent. */
  readonly field: (name: string) => string;
  /** What is wrong with its content; `undefined` where all is as the client sent it, or it broke off. */
  readonly problem: string | undefined;
}

/** The next request of a connection; `undefined` where it ends first. Never throws. */
export async function readOriginRequest(source: ByteSource): Promise<OriginRequest | undefined> {
  const head = await readHead(source);
  if (head === undefined) return undefined;
  const [method = "", target = ""] = head.startLine.split(" ");
  const field = (name: string): string => fieldValue(head.fields, name) ?? "";
  const body = await readBody(source, head.fields, false);
  if (!body.complete) return undefined;
  const id = field("x-chaos-request");
  const problem = contentProblem(id, head.fields, Buffer.from(body.text, "latin1"));
  return { method, object: target.slice(1), id, field, problem };
}

/** The content that a client sends with an unsafe request. */
export function uploadOf(requestId: string, length: number): Buffer {
  return contentOf({ object: "upload", version: 0, variant: requestId }, 0, length);
}

function contentProblem(id: string, fields: readonly Field[], body: Buffer): string | undefined {
  const length = Number(fieldValue(fields, "x-chaos-length") ?? "0");
  if (body.length !== length) return `the origin got ${body.length} bytes of content, ${length} were sent`;
  const difference = firstDifference(body, uploadOf(id, length), 0);
  return difference && `the origin got wrong content from byte ${difference.at} on`;
}
