// Answers: does the disk tier work in a single binary, and does Node say that it does not there?
// Owns: building and running `disk-binary-entry.ts`.
// Leaves out: the binaries that people have (`../binaries.test.ts`).
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../larder-process.ts";
import { nodeBinary } from "../node-build.ts";

const ENTRY = "./tests/store/disk-binary-entry.ts";
const root = mkdtempSync(join(tmpdir(), "larder-disk-binary-"));
afterAll(() => rmSync(root, { recursive: true }));

function output(command: readonly string[], cwd: string): string {
  const ran = Bun.spawnSync([...command], { cwd, stdout: "pipe", stderr: "pipe" });
  return ran.stdout.toString() + (ran.exitCode === 0 ? "" : ran.stderr.toString());
}

function build(...args: string[]): void {
  const built = Bun.spawnSync([process.execPath, "build", ...args], { cwd: ROOT, stderr: "pipe" });
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
}

test("disk: a binary that names the writing thread as a second entry has it", () => {
  const binary = join(root, "with");
  build("--compile", ENTRY, "./lib/store/disk-writer.ts", "--outfile", binary);
  expect(output([binary, join(root, "a")], root)).toBe("1 1\n");
  expect(readdirSync(join(root, "a"))).toEqual(["larder.sqlite"]);
});

test("disk: one that does not is told so, and touches nothing", () => {
  const binary = join(root, "without");
  build("--compile", ENTRY, "--outfile", binary);
  expect(output([binary, join(root, "b")], root)).toMatch(/^ConfigError: --disk "[^"]*": needs a binary /);
  expect(readdirSync(root)).not.toContain("b");
});

test.skipIf(nodeBinary() === undefined)("disk: on Node it is refused", () => {
  const built = join(root, "on-node.mjs");
  build("--target", "node", ENTRY, "--outfile", built);
  expect(output([nodeBinary()!, built, join(root, "c")], root)).toMatch(
    /^ConfigError: --disk "[^"]*": needs Bun\n$/,
  );
});
