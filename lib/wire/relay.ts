// Answers: what happens to a request for WebSocket (RFC 9110 §7.8, RFC 6455).
// Owns: asking the origin, and then two connections whose bytes pass from one to the other unread.
// Leaves out: which fields the request has (`forward.ts`), an origin that declines (`exact-app.ts`).
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { openRequest } from "./forward-node.ts";
import { fieldsFrom, linesFrom } from "./node-fields.ts";
import type { Tunnel } from "./node-message.ts";
import { contentOf } from "./node-stream.ts";
import type { OutgoingRequest, StreamedResponse } from "./origin-exchange.ts";

/** What the origin made of it. */
export type Relayed =
  /** Both connections are one now; `status` has been sent. */
  | { readonly kind: "switched"; readonly status: number }
  /** It answers as if it had not been asked for another protocol. */
  | { readonly kind: "declined"; readonly response: StreamedResponse };

/**
 * Asks the origin for WebSocket, and for no other protocol that the client named besides: h2c would carry requests past the
 * cache. `addTo` may add fields to its 101. Rejects where no response came.
 */
export function relay(
  outgoing: OutgoingRequest,
  { socket, head }: Tunnel,
  addTo: (fields: Headers) => void,
): Promise<Relayed> {
  const fields = new Headers(outgoing.fields);
  fields.set("connection", "Upgrade");
  fields.set("upgrade", "websocket");
  return new Promise((resolve, reject) => {
    const request = openRequest({ ...outgoing, fields, mayReuseConnection: true });
    request.on("error", reject);
    request.on("response", (incoming) => resolve({ kind: "declined", response: responseFrom(incoming) }));
    request.on("upgrade", (incoming, originSocket, originHead) => {
      const answered = fieldsFrom(incoming.rawHeaders);
      addTo(answered);
      socket.write(switching(answered), "latin1");
      if (originHead.length > 0) socket.write(originHead);
      if (head.length > 0) originSocket.write(head);
      join(socket, originSocket as Socket);
      resolve({ kind: "switched", status: 101 });
    });
    socket.once("close", () => request.destroy());
    request.end();
  });
}

/** Connection and Upgrade stay: they are what both ends are to see. */
function switching(fields: Headers): string {
  const lines = linesFrom(fields);
  const pairs = lines.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${lines[at + 1]}\r\n`] : []));
  return `HTTP/1.1 101 Switching Protocols\r\n${pairs.join("")}\r\n`;
}

/** How long an end that is being closed may take to read what was sent before, in milliseconds. */
const CLOSING_MS = 120_000;

/** Each end gets what the other sends, no faster than it takes it; both are closed together, what was sent first. */
function join(client: Socket, origin: Socket): void {
  const close = (): void => {
    for (const end of [client, origin]) {
      end.setTimeout(CLOSING_MS, () => end.destroy());
      end.destroySoon();
    }
  };
  for (const [from, to] of [
    [client, origin],
    [origin, client],
  ] as const) {
    from.setTimeout(0);
    from.setNoDelay(true);
    from.on("error", () => from.destroy());
    from.pipe(to);
    from.once("end", close);
    from.once("close", close);
  }
}

function responseFrom(incoming: IncomingMessage): StreamedResponse {
  return {
    status: incoming.statusCode ?? 0,
    reason: incoming.statusMessage,
    fields: fieldsFrom(incoming.rawHeaders),
    body: contentOf(incoming, { onLeft: () => void incoming.destroy() }),
  };
}
