// Answers: how a request reaches the origin through the client of `node:http`.
// Owns: the request as it is sent, byte for byte, its connection, interim responses, trailers in both directions.
// Leaves out: which header fields are sent, deadlines, and what the response means (`forward.ts`).
import {
  Agent as HttpAgent,
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { isIP, type Socket } from "node:net";
import { fieldsFrom, linesFrom, trailerPairs, trailersFrom } from "./node-fields.ts";
import { contentOf } from "./node-stream.ts";
import type { OutgoingRequest, StreamedResponse } from "./origin-exchange.ts";

/** Idle connections to one origin that are kept; how many are in use is the business of `origins/places.ts`. */
const POOL = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 256 };
const AGENTS = { "http:": new HttpAgent(POOL), "https:": new HttpsAgent(POOL) } as const;

/** Bytes of a response's header section, status line included; fetch takes a megabyte as well. */
const MAX_HEAD_BYTES = 2 ** 20;

/** Methods that say nothing by having no content; of others a Content-Length is expected (RFC 9110 §8.6). */
const CONTENTLESS = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);

/** `Send` through node:http: the target, the fields and the content as they are, and nothing besides. */
export const sendThroughNode = (outgoing: OutgoingRequest): Promise<StreamedResponse> =>
  new Promise((resolve, reject) => {
    let response: IncomingMessage | undefined;
    const request = openRequest(outgoing);
    request.on("information", ({ statusCode, rawHeaders }) => {
      if (statusCode > 101) outgoing.onInterim?.(statusCode, fieldsFrom(rawHeaders));
    });
    request.on("response", (incoming) => {
      response = incoming;
      resolve(responseFrom(incoming, outgoing.method));
    });
    // Nobody has asked for another protocol; without a listener the request would wait for ever.
    request.on("upgrade", (_, socket) => {
      socket.destroy();
      reject(Object.assign(new Error("it answered 101 unasked"), { code: "HPE_UNEXPECTED_UPGRADE" }));
    });
    request.on("error", (error) => {
      reject(error);
      // Before the parser takes the reset of a connection for the end of the content. Bytes that come behind the end
      // are an error too, and do no harm to what came before.
      if (response?.complete === false) response.destroy(error);
    });
    void upload(request, outgoing);
  });

/** A request with its header section; it has not been sent yet. @throws TypeError where it cannot be sent. */
export function openRequest(outgoing: OutgoingRequest): ClientRequest {
  const { protocol, hostname, port } = new URL(outgoing.origin);
  const host = hostname.replace(/^\[|\]$/g, "");
  const isSecure = protocol === "https:";
  const agent = isSecure ? AGENTS["https:"] : AGENTS["http:"];
  const options = {
    host,
    port: port === "" ? undefined : Number(port),
    method: outgoing.method,
    path: outgoing.target,
    headers: headerLines(outgoing),
    agent: outgoing.mayReuseConnection ? agent : false,
    signal: outgoing.signal,
    setHost: false,
    maxHeaderSize: MAX_HEAD_BYTES,
    // It would be that of the Host field, which may be another one.
    ...(isSecure && isIP(host) === 0 && { servername: host }),
  } as const;
  const request = isSecure ? requestHttps(options) : requestHttp(options);
  request.maxHeadersCount = 0;
  return request;
}

function headerLines({ fields, body, method, mayReuseConnection }: OutgoingRequest): string[] {
  const isChunked = body !== null && !fields.has("content-length");
  const lines = linesFrom(fields, isChunked ? ["transfer-encoding"] : ["trailer", "transfer-encoding"]);
  if (isChunked) lines.push("transfer-encoding", "chunked");
  if (body === null && !fields.has("content-length") && !CONTENTLESS.has(method)) {
    lines.push("content-length", "0");
  }
  // RFC 9110 §10.1.4: TE is for this connection only.
  if (fields.has("te")) lines.push("connection", mayReuseConnection ? "TE" : "close, TE");
  return lines;
}

function responseFrom(incoming: IncomingMessage, method: string): StreamedResponse {
  const { statusCode: status = 0, statusMessage: reason, rawHeaders, httpVersion, headers } = incoming;
  const isBodiless = method === "HEAD" || status === 204 || status === 304;
  // Whoever reads it is told; it may also break off before anybody does.
  incoming.on("error", () => {});
  // Nobody reads it; the connection is free only when it has ended.
  if (isBodiless) incoming.resume();
  return {
    status,
    reason,
    fields: fieldsFrom(rawHeaders),
    body: isBodiless ? null : contentOf(incoming, { onLeft: () => void incoming.destroy() }),
    trailers: () => trailersFrom(incoming.rawTrailers),
    isFramingFaulty: httpVersion === "1.0" && headers["transfer-encoding"] !== undefined,
  };
}

/** Sends the content as fast as the origin takes it; where it breaks off, the request does too. */
async function upload(request: ClientRequest, { body, trailers }: OutgoingRequest): Promise<void> {
  if (body === null) return void request.end();
  const reader = body.getReader();
  // The origin may say that it does not want the content before there is any.
  request.flushHeaders();
  await connected(request);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (request.destroyed || request.closed) return void reader.cancel().catch(() => {});
      if (done) break;
      if (!request.write(value)) await drained(request);
    }
    const section = request.chunkedEncoding ? trailers?.() : undefined;
    if (section !== undefined) request.addTrailers(trailerPairs(section));
    request.end();
  } catch (error) {
    request.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

/** Content is asked for when there is somebody to take it: a client that waits for 100 is told to go on then. */
async function connected(request: ClientRequest): Promise<void> {
  const socket = await new Promise<Socket | undefined>((resolve) => {
    request.once("socket", resolve);
    request.once("close", () => resolve(undefined));
  });
  if (socket?.connecting !== true) return;
  await new Promise<void>((resolve) => {
    socket.once("connect", resolve);
    socket.once("close", () => resolve());
  });
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      request.off("drain", settle);
      request.off("close", settle);
      resolve();
    };
    request.on("drain", settle);
    request.on("close", settle);
  });
}
