// Answers: is a text that comes again not read again, and does that stay within bounds?
// Owns: the claims about `lib/rfc9111/memo.ts`.
// Leaves out: the readers themselves (`cache-control.test.ts`, `time.test.ts`).
import { expect, test } from "bun:test";
import { remembering } from "../../lib/rfc9111/memo.ts";

function counting(): {
  readonly read: (text: string) => { text: string } | undefined;
  readonly reads: string[];
} {
  const reads: string[] = [];
  const read = remembering((text) => {
    reads.push(text);
    return text === "" ? undefined : { text };
  });
  return { read, reads };
}

test("a text is read once, and gives the same each time", () => {
  const { read, reads } = counting();
  expect(read("a")).toBe(read("a")!);
  expect(reads).toEqual(["a"]);
});

test("what gives nothing is read again", () => {
  const { read, reads } = counting();
  expect([read(""), read(""), reads.length]).toEqual([undefined, undefined, 2]);
});

test("a long text is not kept, and many do not add up", () => {
  const { read, reads } = counting();
  const long = "x".repeat(513);
  read(long);
  read(long);
  expect(reads.length).toBe(2);
  for (let number = 0; number < 1000; number++) read(String(number));
  read("999");
  expect(reads.length).toBe(1002);
  read("0");
  expect(reads.length).toBe(1003);
});
