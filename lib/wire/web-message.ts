// Answers: how a web-standard Request becomes a presented request, and an Answer a web-standard Response.
// Owns: what `Response` does to a body behind one's back, and keeping it from doing so.
// Leaves out: the socket (`serve-bun.ts`), what is refused (`door.ts`).
import type { Answer, PresentedRequest } from "../message.ts";
import { endToEndFields } from "../rfc9111/header-fields.ts";

/**
 * The request as the engine sees it; the target URI is the cache key. Fields that Connection names are gone before
 * anything is selected by them: the origin will not see them either (RFC 9110 §7.6.1).
 */
export function presentedFrom(request: Request, clientAddress: () => string | undefined): PresentedRequest {
  const { headers, method, url } = request;
  const connection = headers.get("connection");
  const namesNone = connection === null || /^(?:keep-alive|close)$/i.test(connection);
  return {
    method,
    uri: url,
    // As the wire has normalised it: what is sent to the origin and what is in the cache key are the same host.
    authority: url.slice(url.indexOf("//") + 2, url.indexOf("/", url.indexOf("//") + 2)),
    fields: namesNone ? headers : endToEndFields(headers),
    body: request.body,
    clientAddress,
    gone: () => request.signal,
  };
}

/** The answer as a Response: nothing is added to it but what the wire needs for framing. */
export function responseFrom({ status, fields, body }: Answer): Response {
  const isTyped = fields.has("content-type");
  if (body instanceof Uint8Array && !isTyped) return new Response(untyped(body), { status, headers: fields });
  // `body.stream()` would be given a type all the same.
  if (body instanceof Blob && !isTyped) return new Response(slices(body), { status, headers: fields });
  return new Response(body, { status, headers: fields });
}

/**
 * Bytes handed over as they are would be given a Content-Type. A stream that ends at once keeps its Content-Length and
 * is given none.
 */
function untyped(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    },
    { highWaterMark: bytes.length + 1, size: (chunk) => chunk?.length ?? 0 },
  );
}

/** Bytes of a slice at a time. */
const SLICE_BYTES = 256 * 1024;

/** A large body piece by piece: as many clients as may read slowly share its bytes, and none is held twice. */
function slices(blob: Blob): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        const piece = blob.slice(at, (at += SLICE_BYTES));
        if (piece.size === 0) controller.close();
        else controller.enqueue(new Uint8Array(await piece.arrayBuffer()));
      },
    },
    { highWaterMark: 0 },
  );
}
