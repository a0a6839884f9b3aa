// Answers: how a test gets Larder on Node.
// Owns: finding Node itself, and the build of `cache.ts` for it.
// Leaves out: starting it (`larder-process.ts`, `conformance/cache-process.ts`).
import { join } from "node:path";

/** Node's own binary: `bun run` puts one in front of it on the PATH that is Bun. `undefined` where there is none. */
export function nodeBinary(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(":").filter((folder) => !/\/bun-node/.test(folder));
  return Bun.which("node", { PATH: folders.join(":") }) ?? undefined;
}

/** Builds `cache.ts` of `root`; the command line that starts it. @throws where that cannot be done. */
export async function builtForNode(root: string, folder = join(root, "dist")): Promise<readonly string[]> {
  const node = nodeBinary();
  if (node === undefined) throw new Error("there is no node on the PATH");
  const built = join(folder, "larder.mjs");
  const args = [process.execPath, "build", "--target", "node", "cache.ts", "--outfile", built];
  const build = Bun.spawn(args, { cwd: root, stdout: "ignore", stderr: "inherit" });
  if ((await build.exited) !== 0) throw new Error("cache.ts could not be built for Node");
  return [node, built];
}
