// Answers: who asked for what, and how large it was.
// Owns: the two formats of recorded traces, and how a recorded object becomes a number.
// Leaves out: what a cache makes of it (`simulate.ts`).
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { ROOT } from "../../larder-process.ts";

/** Requests in their order. */
export interface Trace {
  readonly name: string;
  /** By request: which object, numbered from 0. */
  readonly objects: Int32Array;
  /** By object. */
  readonly sizesBytes: Float64Array;
  /** Of all objects together. */
  readonly uniqueBytes: number;
}

/** The recorded traces that are measured where none is named, beside the repository; they may be absent. */
export const RECORDED = ["cdn-sized.trace.gz", "web07.int32be.gz"].map((name) =>
  join(ROOT, "../shared/traces", name),
);

/** Those that are there. */
export const PRESENT = RECORDED.filter((path) => existsSync(path));

/** A trace from pairs of a name and a size in bytes; a name with another size is another object. */
export function traceOf(
  name: string,
  requests: Iterable<readonly [name: number | string, sizeBytes: number]>,
): Trace {
  const numbers = new Map<string, number>();
  const objects: number[] = [];
  const sizes: number[] = [];
  for (const [object, sizeBytes] of requests) {
    const key = `${object} ${sizeBytes}`;
    let number = numbers.get(key);
    if (number === undefined) {
      number = sizes.push(sizeBytes) - 1;
      numbers.set(key, number);
    }
    objects.push(number);
  }
  const uniqueBytes = sizes.reduce((sum, size) => sum + size, 0);
  return { name, objects: Int32Array.from(objects), sizesBytes: Float64Array.from(sizes), uniqueBytes };
}

/**
 * A recorded trace, compressed or not: big-endian int32 names of objects of size 1 where the file's name says int32be,
 * else text with a request a line, `time name size-in-bytes`. @throws where the file cannot be read, or a line not be
 * understood.
 */
export function readTrace(path: string): Trace {
  const file = readFileSync(path);
  const bytes = path.endsWith(".gz") ? gunzipSync(file) : file;
  const name = path.split("/").at(-1)?.split(/[.-]/)[0] ?? path;
  return traceOf(name, path.includes("int32be") ? numbersIn(bytes) : linesIn(bytes, path));
}

function* numbersIn(bytes: Buffer): Generator<readonly [number, number]> {
  for (let at = 0; at + 4 <= bytes.length; at += 4) yield [bytes.readInt32BE(at), 1];
}

function* linesIn(bytes: Buffer, path: string): Generator<readonly [string, number]> {
  for (const [at, line] of bytes.toString().trimEnd().split("\n").entries()) {
    const [, object, size] = line.trim().split(/\s+/);
    const sizeBytes = Number(size);
    if (object === undefined || !(sizeBytes >= 0))
      throw new Error(`${path}:${at + 1}: "${line}" is no request: expected time, name and size in bytes`);
    yield [object, sizeBytes];
  }
}
