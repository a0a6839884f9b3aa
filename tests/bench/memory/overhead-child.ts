// Answers: what so many stored responses take, in a process that does nothing else.
// Owns: the filling of a store through its own Writer, and the state of the process before and after; prints JSON.
// Leaves out: how many, and what is made of the figures (`overhead.ts`). Arguments: COUNT.
import { heapStats } from "bun:jsc";
import { emptyStore, type FilledStore } from "../engine-adapter.ts";
import type { Holding, State } from "./overhead.ts";
import { realisticFields } from "./realistic-origin.ts";

const BODY_BYTES = 100;
const ROOM_BYTES = 2 ** 40;
const PRACTICE = 2000;

const count = Number(process.argv[2]);
fill(emptyStore(ROOM_BYTES), PRACTICE);
const before = state();
const store = emptyStore(ROOM_BYTES);
const messageBytes = fill(store, count);
const stored = state();
for (let at = 0; at < count; at++) store.hit(nameOf(at));
const answered = state();
const holding: Holding = {
  count,
  messageBytes,
  countedBytes: store.countedBytes(),
  before,
  stored,
  answered,
};
console.log(JSON.stringify(holding));

function fill(into: FilledStore, responses: number): number {
  let bytes = 0;
  for (let at = 0; at < responses; at++) {
    const name = nameOf(at);
    bytes += into.put(name, realisticFields(name), new Uint8Array(BODY_BYTES).fill(at));
    // What a process of its own would do between two requests.
    if (at % 100_000 === 99_999) Bun.gc(true);
  }
  return bytes;
}

function nameOf(at: number): string {
  return `http://bench.example/objects/${at}.json`;
}

function state(): State {
  Bun.gc(true);
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return { rssBytes: process.memoryUsage.rss(), heapBytes: heapSize + extraMemorySize };
}
