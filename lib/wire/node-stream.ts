// Answers: how the content of a `node:http` message becomes a web stream.
// Owns: back-pressure, the difference between an end and a break, and what a chunk holds in memory.
// Leaves out: what kind of message it is (`node-message.ts`, `forward-node.ts`).
import type { IncomingMessage } from "node:http";

/** What happens around the reading. */
export interface Reading {
  /** Called before the first byte is read. */
  readonly onWanted?: () => void;
  /** Called when the rest is not to be read. */
  readonly onLeft: () => void;
}

/** The content as a stream that takes from the connection only what is asked for. */
export function contentOf(
  incoming: IncomingMessage,
  { onWanted, onLeft }: Reading,
): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Buffer> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (chunks === undefined) {
          onWanted?.();
          chunks = incoming[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
        }
        const { done, value } = await chunks.next();
        if (done === true) return finish(incoming, controller);
        controller.enqueue(compact(value));
      },
      cancel: onLeft,
    },
    { highWaterMark: 0 },
  );
}

/** A message that was cut off can look like one that ended. */
function finish(incoming: IncomingMessage, controller: ReadableStreamDefaultController<Uint8Array>): void {
  if (incoming.complete) controller.close();
  else controller.error(Object.assign(new Error("the message was cut off"), { code: "ECONNRESET" }));
}

/** A few bytes of a large buffer would keep all of it for as long as they are kept. */
function compact(chunk: Buffer): Uint8Array {
  return chunk.length * 2 < chunk.buffer.byteLength ? new Uint8Array(chunk) : chunk;
}
