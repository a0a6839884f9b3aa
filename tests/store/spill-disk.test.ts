// Answers: does a body of unknown length get onto a real disk, where memory had more of it than may wait to be written?
// Owns: the claims about `lib/store/spill.ts` with the disk tier, and readers of all of it.
// Leaves out: the disk alone (`disk*.test.ts`), every other way (`spill.test.ts`).
import { afterAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FillBody } from "../../lib/fill-body.ts";
import { openDisk } from "../../lib/store/disk.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { TieredStore } from "../../lib/store/tiers.ts";
import { headFor, KEY } from "./contract.ts";

const folder = mkdtempSync(join(tmpdir(), "larder-spill-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FROM = 4 * 2 ** 20;
const BODY = randomBytes(3 * FROM);

/** The body as it comes, in pieces of no particular size. */
function coming(): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(BODY.subarray(at, (at += 50_001))));
      if (at >= BODY.length) controller.close();
    },
  });
}

test.each([1, 0])("with %i reader", async (readers) => {
  const warned: string[] = [];
  const sizes = { sizeBytes: 2 ** 28, inMemoryBytes: FROM, maxObjectBytes: 2 ** 27, queueBytes: 2 ** 20 };
  const disk = await openDisk(join(folder, String(readers)), { ...sizes, warn: (line) => warned.push(line) });
  const store = new TieredStore({
    memory: new MemoryStore({ budgetBytes: 8 * FROM, maxObjectBytes: FROM }),
    outer: [disk!],
    openOutside: (head, lengthBytes) => disk!.write(head, lengthBytes),
    ...{ outsideFromBytes: FROM, maxObjectBytes: 2 ** 27, clockMs: Date.now },
  });
  try {
    const writer = store.write(headFor(KEY), undefined);
    const body = new FillBody({ reader: coming().getReader(), length: undefined, writer });
    const read = readers === 0 ? undefined : new Response(body.reader()).bytes();
    body.release();
    const end = await body.ended;
    expect(end).toMatchObject({ kind: "complete", lengthBytes: BODY.length });
    if (read !== undefined) expect(Buffer.from(await read).equals(BODY)).toBe(true);
    const [found] = store.lookup(KEY);
    if (found?.body.kind !== "outside") throw new Error(`it is ${found?.body.kind}`);
    const again = await new Response(found.body.read(0, BODY.length - 1)).bytes();
    expect([Buffer.from(again).equals(BODY), warned]).toEqual([true, []]);
  } finally {
    store.close();
    await disk?.close();
  }
});
