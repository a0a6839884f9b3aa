// Answers: what is put into a single binary to see whether the disk tier works there?
// Owns: `BINARY FOLDER`: stores, recalls, removes; prints how many it found and removed, or what is wrong.
// Leaves out: building and running it (`disk-binary.test.ts`).
import { openDisk } from "../../lib/store/disk.ts";
import { FieldBlock } from "../../lib/store/field-block.ts";
import { decodeHead } from "../../lib/store/codec.ts";
import type { StoredHead } from "../../lib/message.ts";

const KEY = "http://larder.test/";
const text = JSON.stringify([200, null, "", null, [1, 1, 1, 2], "none", 0]);
const head = { ...decodeHead(KEY, text), fields: new FieldBlock("\r\nX-A: b") } as StoredHead;
try {
  const tier = await openDisk(process.argv[2] ?? "", { sizeBytes: 2 ** 26, warn: console.log });
  tier?.put({ ...head, body: { kind: "complete", bytes: new Uint8Array(10) }, sizeBytes: 0 });
  while ((tier?.stats().queued ?? 0) > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const found = await tier?.recall(KEY, () => true);
  console.log(found?.length, await tier?.remove(KEY));
  await tier?.close();
} catch (error) {
  console.log(String(error));
}
