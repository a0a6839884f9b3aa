// Answers: does the exact wire carry on Node what it carries on Bun?
// Owns: the claims of `exact-claims.ts` and its neighbours, and `relay-claims.ts`, against the build for Node.
// Leaves out: the same on Bun (`serve-node.test.ts`), the conformance cases (`bun run conformance --node`).
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANYWHERE, ROOT, runLarder, startLarder, type LarderProcess } from "../larder-process.ts";
import { builtForNode, nodeBinary } from "../node-build.ts";
import { claimAnswers } from "./exact-answer-claims.ts";
import { claimExactness } from "./exact-claims.ts";
import { claimRefusals } from "./exact-refusal-claims.ts";
import { Line, message, RawOrigin } from "./raw-line.ts";
import { claimRelay } from "./relay-claims.ts";

const node = nodeBinary();
const folder = mkdtempSync(join(tmpdir(), "larder-node-"));
let built: Promise<string> | undefined;
afterAll(() => rmSync(folder, { recursive: true }));

/** Once for all claims. */
async function script(): Promise<string> {
  built ??= builtForNode(ROOT, folder).then(([, path = ""]) => path);
  return built;
}

const start = async (originUrl: string): Promise<LarderProcess> =>
  startLarder(node ?? "", [await script(), ...ANYWHERE, "--origin", originUrl, "--log", "off"]);

if (node === undefined) test.skip("Node is not installed here", () => {});
else {
  claimExactness("Node", start);
  claimAnswers(start);
  claimRefusals("Node", start);
  claimRelay("Node", start);

  test("SIGTERM lets what is under way end, and ends with 0", async () => {
    const origin = await RawOrigin.start();
    const larder = await start(origin.url);
    const line = await Line.to(larder.url);
    line.send(message("GET /last HTTP/1.1", "Host: a"));
    const asked = await origin.asked("/last");
    const exitCode = larder.stop();
    asked.answer(`${message("HTTP/1.1 200 OK", "Content-Length: 4")}last`);
    expect(await line.rest()).toEndWith("\r\n\r\nlast");
    expect(await exitCode).toBe(0);
    origin.stop();
  }, 30_000);

  test("it has no wire but the exact one, and says so in one line", async () => {
    const { exitCode, stderr } = await runLarder(node, [await script(), ...ANYWHERE, "--wire", "bun"]);
    expect([exitCode, stderr]).toEqual([2, 'larder: --wire "bun": needs Bun; Node has exact\n']);
  }, 30_000);

  test("it is one process, and says so in one line", async () => {
    const { exitCode, stderr } = await runLarder(node, [await script(), ...ANYWHERE, "--workers", "2"]);
    expect([exitCode, stderr]).toEqual([2, 'larder: --workers "2": needs Bun\n']);
  }, 30_000);
}
