// Answers: how `bun test` runs on a fresh clone that has no node_modules.
// Owns: the one installation before the first test; nothing of it is needed for `bun FILE`, which installs by itself.
// Leaves out: system packages (`.ci/run`).
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");

// The resolver of this process has already cached that node_modules is absent, so after the installation
// the same command line is run again in a new process; `process.argv` lacks the flags, /proc has them all.
if (!existsSync(join(root, "node_modules", "hono"))) {
  const install = Bun.spawnSync([process.execPath, "install", "--frozen-lockfile"], {
    cwd: root,
    stdout: "ignore",
    stderr: "inherit",
  });
  if (install.exitCode !== 0) {
    console.error("The packages of package.json could not be installed: is the npm registry reachable?");
    process.exit(1);
  }
  const commandLine = readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(1, -1);
  const again = Bun.spawnSync([process.execPath, ...commandLine], {
    cwd: process.cwd(),
    stdio: ["inherit", "inherit", "inherit"],
  });
  process.exit(again.exitCode);
}
