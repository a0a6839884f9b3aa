// Answers: what a presented request is with some of it changed.
// Owns: the copy: wires have classes of their own, whose properties a spread would lose.
// Leaves out: what is changed, and why (`visit.ts`, `workers/`).
import type { PresentedRequest } from "./message.ts";

/** The same request but for `changes`; what was read of its fields is read anew. Interim responses are not asked for. */
export function changedRequest(
  presented: PresentedRequest,
  changes: Partial<PresentedRequest>,
): PresentedRequest {
  const { method, uri, authority, fields, body, trailers, takesTrailers, isFromWorker } = presented;
  return {
    ...{ method, uri, authority, fields, body, trailers, takesTrailers, isFromWorker },
    clientAddress: () => presented.clientAddress(),
    gone: () => presented.gone(),
    ...changes,
  };
}
