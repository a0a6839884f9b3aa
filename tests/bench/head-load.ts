// Answers: how fast HEAD is answered, which wrk cannot ask for.
// Owns: 64 connections that ask again as soon as they are answered, and the same line of figures as `wrk.lua` prints.
// Leaves out: everything else that wrk can. Arguments: URL TARGET SECONDS.
import { BENCH_HOST } from "./bodies.ts";
import { quantile } from "./statistics.ts";

const CONNECTIONS = 64;
/** Of so many answers one is timed: the clock costs as much as the rest. */
const TIMED_EVERY = 8;

const [, , url = "", target = "", seconds = ""] = process.argv;
const request = `HEAD ${target} HTTP/1.1\r\nHost: ${BENCH_HOST}\r\n\r\n`;
const timesUs: number[] = [];
let [requests, bytes, status, read] = [0, 0, 0, 0];
let isOver = false;

const START = Buffer.from("HTTP/1.1 200 ");
const END = Buffer.from("\r\n\r\n");

const address = { hostname: new URL(url).hostname, port: Number(new URL(url).port) };
const startMs = performance.now();
const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => connected()));
await Bun.sleep(Number(seconds) * 1000);
isOver = true;
const us = Math.round((performance.now() - startMs) * 1000);
for (const socket of sockets) socket.end();
const [p50, p99] = [quantile(timesUs, 0.5), quantile(timesUs, 0.99)].map(Math.round);
console.log(
  `figures requests=${requests} us=${us} bytes=${bytes} connect=0 read=${read} write=0 status=${status} timeout=0 p50=${p50} p99=${p99}`,
);

function connected(): Promise<Bun.Socket> {
  let sent = 0;
  let sentMs = performance.now();
  return Bun.connect({
    ...address,
    socket: {
      open: (socket) => void socket.write(request),
      data(socket, chunk) {
        if (isOver) return;
        // An answer to HEAD is small: that one arrives in pieces would be news.
        if (!chunk.subarray(0, START.length).equals(START)) status++;
        if (!chunk.subarray(-END.length).equals(END)) read++;
        requests++;
        bytes += chunk.length;
        if (sent % TIMED_EVERY === 0) timesUs.push(1000 * (performance.now() - sentMs));
        if (++sent % TIMED_EVERY === 0) sentMs = performance.now();
        socket.write(request);
      },
      close: () => void (isOver || read++),
    },
  });
}
