// Answers: which servers take part in the benchmark, and how each is started.
// Owns: their processes, pinned to core 0 and ended by their own pid; their configuration as plain as it can be.
// Leaves out: what is measured (`scenarios.ts`), the load (`load.ts`), the table (`run.ts`).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A server under test. */
export interface Contestant {
  readonly name: string;
  readonly version: string;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const root = join(import.meta.dir, "../..");

/** Starts all that are installed: Larder, the bare handler, nginx and Varnish, each in front of the same origin. */
export async function startAll(originUrl: string): Promise<Contestant[]> {
  const starts = [larder, bare];
  if (Bun.which("nginx") !== null) starts.push(nginx);
  if (Bun.which("varnishd") !== null) starts.push(varnish);
  const started = await Promise.allSettled(starts.map((start) => start(originUrl)));
  const running = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = started.find((result) => result.status === "rejected");
  if (failed === undefined) return running;
  for (const { stop } of running) await stop();
  throw failed.reason;
}

/** The origin of all: the core of the load generator is its own. */
export async function startOrigin(): Promise<Contestant> {
  return bunServer("origin", [join(import.meta.dir, "bench-origin.ts")], 1);
}

async function larder(originUrl: string): Promise<Contestant> {
  const args = [process.execPath, "cache.ts", "0", "--origin", originUrl, "--host", "127.0.0.1"];
  const { url, stop } = await announced(args, 0);
  return { name: "larder", version: `Bun ${Bun.version}`, url, stop };
}

/** The limit of `Bun.serve`: one Map probe and a shared header block; for misses one `fetch`. */
async function bare(originUrl: string): Promise<Contestant> {
  return bunServer("bare", [join(import.meta.dir, "bare-server.ts"), originUrl], 0);
}

async function bunServer(name: string, args: readonly string[], core: number): Promise<Contestant> {
  const { url, stop } = await announced([process.execPath, ...args], core);
  return { name, version: `Bun ${Bun.version}`, url, stop };
}

async function nginx(originUrl: string): Promise<Contestant> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "larder-bench-nginx-"));
  mkdirSync(join(folder, "cache"));
  const config = join(folder, "nginx.conf");
  writeFileSync(
    config,
    `user root; daemon off; worker_processes 1; pid ${folder}/pid; error_log /dev/null;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; sendfile on;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  proxy_cache_path ${folder}/cache keys_zone=bench:64m max_size=1g use_temp_path=off;
  open_file_cache max=20000;
  upstream origin { server ${new URL(originUrl).host}; keepalive 64; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache bench; add_header X-Cache $upstream_cache_status; }
  }
}
`,
  );
  const version = Bun.spawnSync(["nginx", "-v"]).stderr.toString().trim().replace("nginx version: ", "");
  const stop = await listening(["nginx", "-c", config], port);
  return {
    name: "nginx",
    version,
    url: `http://127.0.0.1:${port}`,
    stop: () => stop().then(() => rmSync(folder, { recursive: true })),
  };
}

async function varnish(originUrl: string): Promise<Contestant> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "larder-bench-varnish-"));
  const args = [
    "varnishd",
    "-j",
    "none",
    "-F",
    "-n",
    folder,
    "-a",
    `127.0.0.1:${port}`,
    "-b",
    new URL(originUrl).host,
  ];
  const version =
    Bun.spawnSync(["varnishd", "-V"]).stderr.toString().split("\n")[0]?.split(" ")[1] ?? "varnish";
  const stop = await listening([...args, "-s", "malloc,1g", "-p", "thread_pools=1"], port);
  return {
    name: "varnish",
    version: version.replace("(", ""),
    url: `http://127.0.0.1:${port}`,
    stop: () => stop().then(() => rmSync(folder, { recursive: true })),
  };
}

async function announced(args: readonly string[], core: number): Promise<Pick<Contestant, "url" | "stop">> {
  const child = Bun.spawn(["taskset", "-c", String(core), ...args], {
    cwd: root,
    stdout: "pipe",
    stderr: "inherit",
  });
  for await (const chunk of child.stdout) {
    const url = /\bat (http:\S+)/.exec(new TextDecoder().decode(chunk))?.[1];
    if (url !== undefined) return { url, stop: () => end(child) };
  }
  throw new Error(`${args.join(" ")} ended before it listened`);
}

async function listening(args: readonly string[], port: number): Promise<() => Promise<void>> {
  const child = Bun.spawn(["taskset", "-c", "0", ...args], { stdout: "ignore", stderr: "ignore" });
  for (let attempt = 0; attempt < 200; attempt++) {
    const isUp = await fetch(`http://127.0.0.1:${port}/1k`)
      .then((response) => response.ok)
      .catch(() => false);
    if (isUp) return () => end(child);
    await Bun.sleep(50);
  }
  await end(child);
  throw new Error(`${args[0]} does not answer`);
}

async function end(child: Bun.Subprocess): Promise<void> {
  child.kill();
  await child.exited;
}

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
