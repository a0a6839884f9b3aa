// Answers: what do readers that stop cost, and whom do they hold up?
// Owns: a hundred readers of one body of 1 GB that stop after 1 MB, in front of a real process.
// Leaves out: how far a reader may lag (`fill-readers.test.ts`), readers that never read (`../attacks/exhaustion.test.ts`).
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { ANYWHERE, startLarder } from "../larder-process.ts";

const LENGTH = 2 ** 30;
const STOPS_AFTER = 2 ** 20;

/** Byte `at` of the body: a wrong place would be seen. */
const PATTERN = Uint8Array.from({ length: 251 * 256 }, (_, at) => at % 251);

/** An origin whose every response is that body; it sends no faster than it is read. */
async function endlessOrigin(): Promise<{ readonly server: Server; readonly url: string; asked: number }> {
  const origin = { asked: 0 };
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", () => {
      origin.asked++;
      socket.write(
        `HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Type: a/b\r\nContent-Length: ${LENGTH}\r\n\r\n`,
      );
      let left = LENGTH;
      const send = (): void => {
        while (left > 0 && !socket.destroyed) {
          const piece = PATTERN.subarray(0, left);
          left -= piece.length;
          if (!socket.write(piece)) return;
        }
      };
      socket.on("drain", send);
      send();
    });
  });
  await new Promise<void>((listens) => void server.listen(0, "127.0.0.1", listens));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(origin, { server, url });
}

/** A reader that compares each byte, and stops after so many until it is told to go on. */
class Reader {
  readonly socket: Socket;
  #at = 0;
  #stopsAt = 0;
  #stopped: () => void = () => {};
  #failed: (error: Error) => void = () => {};

  constructor(url: string, target: string) {
    const { hostname, port } = new URL(url);
    const decoder = bodyDecoder();
    this.socket = connect(Number(port), hostname);
    this.socket.on("error", (error) => this.#failed(error));
    this.socket.on("close", () => this.#failed(new Error(`closed after ${this.#at} bytes`)));
    this.socket.on("data", (bytes) => decoder(bytes).forEach((piece) => this.#take(piece)));
    this.socket.write(`GET ${target} HTTP/1.1\r\nHost: larder.test\r\n\r\n`);
  }

  /** Settles when so many bytes have been read, at the least. */
  until(bytes: number): Promise<void> {
    this.#stopsAt = bytes;
    this.socket.resume();
    return new Promise((resolve, reject) => ([this.#stopped, this.#failed] = [resolve, reject]));
  }

  #take(piece: Buffer): void {
    for (const byte of piece) {
      if (byte !== this.#at % 251) return this.#failed(new Error(`byte ${this.#at} is wrong`));
      this.#at++;
    }
    if (this.#at < this.#stopsAt) return;
    this.socket.pause();
    this.#stopped();
  }
}

/** The content of a response, chunked or with Content-Length, piece by piece. */
function bodyDecoder(): (bytes: Buffer | string) => Buffer[] {
  let rest = Buffer.alloc(0);
  let isHead = true;
  let left = 0;
  return (bytes) => {
    rest = Buffer.concat([rest, Buffer.from(bytes as Buffer)]);
    const pieces: Buffer[] = [];
    for (;;) {
      if (left > 0) {
        const piece = rest.subarray(0, left);
        rest = rest.subarray(piece.length);
        left -= piece.length;
        if (piece.length > 0) pieces.push(piece);
        if (left > 0) return pieces;
        left = -2;
      }
      // The line end behind a chunk, the header section, the size of the next chunk.
      if (left === -2) {
        if (rest.length < 2) return pieces;
        rest = rest.subarray(2);
        left = 0;
      }
      const mark = isHead ? "\r\n\r\n" : "\r\n";
      const end = rest.indexOf(mark);
      if (end < 0) return pieces;
      const text = rest.toString("latin1", 0, end);
      left = isHead ? Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0) : Number.parseInt(text, 16);
      isHead = false;
      rest = rest.subarray(end + mark.length);
    }
  };
}

function residentBytes(pid: number): number {
  const [, kilobytes = "0"] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

test("a hundred that stop after 1 MB of 1 GB cost less than 64 MB, ask the origin once, and slow down nobody", async () => {
  const origin = await endlessOrigin();
  const cache = await startLarder("cache.ts", [...ANYWHERE, "--origin", origin.url, "--log", "off"]);
  await new Reader(cache.url, "/warm").until(STOPS_AFTER);
  const before = residentBytes(cache.pid);
  const readers = Array.from({ length: 100 }, () => new Reader(cache.url, "/film"));
  try {
    await Promise.all(readers.map((reader) => reader.until(STOPS_AFTER)));
    await Bun.sleep(500);
    expect(residentBytes(cache.pid) - before).toBeLessThan(64 * 2 ** 20);
    expect(origin.asked).toBe(2);
    // Who comes now is not held up by them.
    readers.push(new Reader(cache.url, "/film"));
    await readers.at(-1)?.until(32 * STOPS_AFTER);
    expect(residentBytes(cache.pid) - before).toBeLessThan(64 * 2 ** 20);
  } finally {
    for (const { socket } of readers) socket.destroy();
    origin.server.close();
    await cache.stop();
  }
}, 60_000);
