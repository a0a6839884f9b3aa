// Answers: what exactly came back over the wire for one request: 1xx responses, every field line, every byte.
// Owns: one connection per request, and the limit on waiting for an answer.
// Leaves out: which request is sent (case-run.ts) and reading of messages (http-message.ts).
import { connect, type Socket } from "node:net";
import { ByteSource, type Field, readBody, readHead, writeHead } from "./http-message.ts";

export type RawRequest = {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: string;
};

export type InterimSeen = { readonly status: number; readonly fields: readonly Field[] };

export type ReceivedResponse = {
  readonly kind: "response";
  readonly status: number;
  readonly phrase: string;
  readonly fields: readonly Field[];
  readonly body: string;
  /** False where the connection ended before the body did. */
  readonly complete: boolean;
  readonly interim: readonly InterimSeen[];
};

/** A connection that ended, or was silent for too long, before there was a whole header section. */
export type BrokenExchange = { readonly kind: "broken"; readonly reason: string };
export type Received = ReceivedResponse | BrokenExchange;

const ANSWER_LIMIT_MS = 10_000;

/** Sends one request to `cache` on a connection of its own and reads the answer. Never throws. */
export async function exchange(cache: URL, request: RawRequest): Promise<Received> {
  const socket = connect({ host: cache.hostname, port: Number(cache.port || 80), noDelay: true });
  socket.on("error", () => {});
  const timer = setTimeout(() => {
    socket.destroy(new Error(`no whole answer within ${ANSWER_LIMIT_MS / 1000} s`));
  }, ANSWER_LIMIT_MS);
  try {
    const head = writeHead(`${request.method} ${request.target} HTTP/1.1`, request.fields);
    socket.write(Buffer.concat([head, Buffer.from(request.body, "latin1")]));
    return await receive(socket, request.method);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function receive(socket: Socket, method: string): Promise<Received> {
  const source = new ByteSource(socket);
  const interim: InterimSeen[] = [];
  for (;;) {
    const head = await readHead(source);
    if (head === undefined) {
      return {
        kind: "broken",
        reason: source.broken?.message ?? "the connection was closed without a response",
      };
    }
    const [, code = "", phrase = ""] = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(head.startLine) ?? [];
    const status = Number(code);
    if (code === "") return { kind: "broken", reason: `not a status line: ${head.startLine}` };
    if (status < 200) {
      interim.push({ status, fields: head.fields });
      continue;
    }
    const bodyless = method === "HEAD" || status === 204 || status === 304;
    const body = bodyless ? { text: "", complete: true } : await readBody(source, head.fields, true);
    const { text, complete } = body;
    return { kind: "response", status, phrase, fields: head.fields, body: text, complete, interim };
  }
}
