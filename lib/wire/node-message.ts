// Answers: how a request on `node:http` becomes a presented request.
// Owns: the target as it was sent, its authority (RFC 9112 §3.2), interim responses, trailers, content that is waited for.
// Leaves out: what is refused (`door.ts`), the answer (`node-answer.ts`), the sockets (`serve-node.ts`).
import { IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Knock } from "../door.ts";
import { opensWebSocket } from "../handshake.ts";
import type { PresentedRequest } from "../message.ts";
import { endToEndFields } from "../rfc9111/header-fields.ts";
import { listMembers } from "../rfc9111/syntax.ts";
import { writeInterim } from "./node-answer.ts";
import { fieldsFrom, trailersFrom } from "./node-fields.ts";
import { contentOf, type Reading } from "./node-stream.ts";

/** A connection that a request for another protocol came on, and the bytes behind that request. */
export interface Tunnel {
  readonly socket: Socket;
  readonly head: Buffer;
}

/**
 * A request that says itself whether it leaves HTTP: CONNECT, and a handshake for WebSocket. Whatever else asks for
 * an upgrade is plain HTTP/1.1, as RFC 9110 §7.8 allows; node:http would hand it over as a bare socket, its content unread.
 */
export class ExactIncoming extends IncomingMessage {
  /** As it was sent; `url` is for the adapter, which would refuse what it cannot parse. */
  target = "";
  tunnel: Tunnel | undefined;
  declare private mayUpgrade: boolean | undefined;

  /** @internal node:http sets it from the header section, and asks it whether to hand the socket over. */
  get upgrade(): boolean {
    return this.mayUpgrade === true && (this.method === "CONNECT" || opensTunnel(this));
  }
  set upgrade(value: boolean) {
    this.mayUpgrade = value;
  }

  /** Whether the upgrade was asked for in vain, and node:http reads nothing behind it: Node does not, Bun does. */
  get isStranded(): boolean {
    return this.mayUpgrade === true && !this.upgrade;
  }
}

/** Whether it is a handshake for WebSocket; HTTP/1.0 knows no Upgrade (RFC 9110 §7.8). */
export function opensTunnel({ method = "", httpVersion, rawHeaders }: IncomingMessage): boolean {
  return httpVersion === "1.1" && opensWebSocket({ method, headers: fieldsFrom(rawHeaders) });
}

/** A request, as the door and as the engine see it. */
export interface Arrival {
  readonly knock: Knock;
  readonly presented: PresentedRequest;
}

/** @throws TypeError where a field cannot be one. */
export function arrivalOf(incoming: ExactIncoming, outgoing: ServerResponse): Arrival {
  const { method = "GET" } = incoming;
  const received = fieldsFrom(incoming.rawHeaders);
  const { authority, target, scheme } = targetOf(incoming.target, received.get("host") ?? "");
  const url = `${scheme}://${authority}${target}`;
  const isCurrent = incoming.httpVersion === "1.1";
  const presented: PresentedRequest = {
    method,
    uri: url,
    authority,
    fields: presentedFields(received),
    body: hasContent(received) ? contentOf(incoming, readingOf(received, outgoing)) : null,
    clientAddress: () => incoming.socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, ""),
    gone: () => goneSignal(outgoing),
    onInterim: isCurrent ? (status, fields) => writeInterim(outgoing, status, fields) : undefined,
    trailers: () => trailersFrom(incoming.rawTrailers),
    takesTrailers: isCurrent && method !== "HEAD",
  };
  const exact = { authority, target, version: incoming.httpVersion };
  return { knock: { method, url, fields: received, exact }, presented };
}

interface Target {
  readonly scheme: string;
  readonly authority: string;
  /** In origin-form, or `*`. */
  readonly target: string;
}

/** RFC 9112 §3.2.2: the authority of an absolute target counts, whatever Host says. */
function targetOf(target: string, host: string): Target {
  const [, scheme, authority = "", rest = ""] = /^([a-z][\w+.-]*):\/\/([^/?#]*)(.*)$/is.exec(target) ?? [];
  if (scheme === undefined) return { scheme: "http", authority: comparable(host), target };
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  return { scheme: scheme.toLowerCase(), authority: comparable(authority), target: path };
}

/** RFC 9110 §4.2.3: letters of either case, and the default port or none, name the same origin. */
function comparable(authority: string): string {
  return authority.toLowerCase().replace(/:(?:80)?$/, "");
}

/** Fields that Connection names are gone before anything is selected by them; the wish for trailers is passed on. */
function presentedFields(received: Headers): Headers {
  const connection = received.get("connection");
  if (connection === null || /^(?:keep-alive|close)$/i.test(connection)) return received;
  const fields = new Headers(endToEndFields(received));
  const wants = listMembers(received.get("te") ?? "").some((member) => member.toLowerCase() === "trailers");
  if (wants) fields.set("te", "trailers");
  return fields;
}

function hasContent(fields: Headers): boolean {
  return fields.has("transfer-encoding") || Number(listMembers(fields.get("content-length") ?? "0")[0]) > 0;
}

/**
 * RFC 9110 §10.1.1: the client is told to go on only when its content is wanted. What is not read of it is taken off the
 * connection by the adapter: to destroy it would take the answer along.
 */
function readingOf(received: Headers, outgoing: ServerResponse): Reading {
  if (received.get("expect")?.toLowerCase() !== "100-continue") return { onLeft() {} };
  // Whether content follows is not known until it is asked for.
  outgoing.shouldKeepAlive = false;
  const onWanted = (): void => {
    if (outgoing.headersSent || outgoing.destroyed) return;
    outgoing.shouldKeepAlive = true;
    outgoing.writeContinue();
  };
  return { onWanted, onLeft() {} };
}

/** Aborts when the connection is gone before the answer has left. */
function goneSignal(outgoing: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const onClose = (): void => {
    if (!outgoing.writableFinished) gone.abort();
  };
  if (outgoing.closed) onClose();
  else outgoing.once("close", onClose);
  return gone.signal;
}
