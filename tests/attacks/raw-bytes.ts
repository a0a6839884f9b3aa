// Answers: what comes back for bytes that no client library would send.
// Owns: one connection, written to as the test says and read to its end.
// Leaves out: claims (the `*.test.ts` of this folder).
import { connect } from "node:net";
import { ByteSource, type Field, fieldValue, readBody, readHead } from "../conformance/http-message.ts";

/** A response, as far as it came. */
export interface RawReply {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly body: string;
  readonly complete: boolean;
  /** The value of a field, several lines joined. */
  readonly get: (name: string) => string | undefined;
}

/** Sends latin1 text as it is and reads responses until the server ends the connection. */
export async function rawAsk(url: string, text: string): Promise<RawReply[]> {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port), noDelay: true });
  socket.on("error", () => {});
  socket.write(Buffer.from(text, "latin1"));
  const source = new ByteSource(socket);
  const replies: RawReply[] = [];
  for (let head = await readHead(source); head !== undefined; head = await readHead(source)) {
    const { startLine, fields } = head;
    const status = Number(startLine.split(" ")[1]);
    if (status < 200) continue;
    const isBodiless = text.startsWith("HEAD ") || status === 204 || status === 304;
    const body = isBodiless ? { text: "", complete: true } : await readBody(source, fields, true);
    replies.push({
      status,
      fields,
      body: body.text,
      complete: body.complete,
      get: (name) => fieldValue(fields, name),
    });
  }
  socket.destroy();
  return replies;
}

/** A request that ends its connection: start line and further lines, each ended by CRLF. */
export function lines(startLine: string, ...further: readonly string[]): string {
  return [startLine, "Host: larder.test", "Connection: close", ...further, "", ""].join("\r\n");
}
