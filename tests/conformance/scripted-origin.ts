// Answers: every request of every case, on one loopback port, with exactly the bytes that the case asks for.
// Owns: the listening raw socket (a case may send a wrong Content-Length, status 999, 1xx, or nothing) and the record.
// Leaves out: what the answer is (origin-answer.ts).
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Case } from "./cases.ts";
import {
  ByteSource,
  type Field,
  fieldValue,
  type Head,
  readBody,
  readHead,
  writeHead,
} from "./http-message.ts";
import {
  answerTo,
  type OriginAnswer,
  type OriginRecord,
  type OriginResponse,
  plainAnswer,
  type SeenRequest,
} from "./origin-answer.ts";

type Run = {
  readonly testCase: Case;
  readonly token: string;
  readonly url: string;
  readonly records: OriginRecord[];
};

/** An origin that plays the script of each run announced to it. */
export class ScriptedOrigin {
  readonly #runs = new Map<string, Run>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => void this.#serve(socket));
  }

  /** Listens on 127.0.0.1; port 0 takes any free one. @throws where the port is taken. */
  static async start(port = 0): Promise<ScriptedOrigin> {
    const origin = new ScriptedOrigin();
    await new Promise<void>((resolve, reject) => {
      origin.#server.once("error", reject);
      origin.#server.listen(port, "127.0.0.1", resolve);
    });
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Announces a run: requests for `/test/TOKEN` belong to this case; `url` is what the client calls it. */
  announce(testCase: Case, token: string, url: string): void {
    this.#runs.set(token, { testCase, token, url, records: [] });
  }

  /** What the origin has seen of a run so far, in order. */
  records(token: string): readonly OriginRecord[] {
    return this.#runs.get(token)?.records ?? [];
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const source = new ByteSource(socket);
    for (;;) {
      const head = await readHead(source);
      if (head === undefined) break;
      const body = await readBody(source, head.fields, false);
      const answer = this.#answer(head, body.text);
      if (answer.kind === "disconnect") return void socket.destroy();
      await send(socket, answer);
      if (mustClose(head, answer)) return void socket.end();
    }
    socket.end();
  }

  #answer(head: Head, body: string): OriginAnswer {
    const [method = "", target = ""] = head.startLine.split(" ");
    const token = /^(?:http:\/\/[^/]*)?\/test\/([^/?]+)/.exec(target)?.[1] ?? "";
    const run = this.#runs.get(token);
    if (run === undefined) return plainAnswer(404, "No Such Token");
    const number = Number.parseInt(fieldValue(head.fields, "req-num") ?? "", 10);
    const request: SeenRequest = { number, method, target, fields: head.fields, body };
    const answer = answerTo(run, request, Date.now());
    run.records.push({ request, answer });
    return answer;
  }
}

async function send(socket: Socket, answer: OriginResponse): Promise<void> {
  if (answer.pauseMs > 0) await Bun.sleep(answer.pauseMs);
  for (const [status, fields = []] of answer.interim) {
    socket.write(writeHead(`HTTP/1.1 ${status} Interim`, fields));
  }
  const head = writeHead(`HTTP/1.1 ${answer.status} ${answer.phrase}`, answer.fields);
  socket.write(Buffer.concat([head, Buffer.from(answer.body, "latin1")]));
}

/** Closing after a wrong Content-Length keeps the surplus bytes from being taken for the next run's response. */
function mustClose(head: Head, answer: OriginResponse): boolean {
  if (announcedLength(answer.fields) < answer.body.length) return true;
  const connection = fieldValue(head.fields, "connection")?.toLowerCase() ?? "";
  return head.startLine.endsWith("HTTP/1.0")
    ? !connection.includes("keep-alive")
    : connection.includes("close");
}

function announcedLength(fields: readonly Field[]): number {
  return Number(fieldValue(fields, "content-length") ?? Number.POSITIVE_INFINITY);
}
