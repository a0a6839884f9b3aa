// Answers: how nginx takes part: as someone would set it up who wants it to be fast.
// Owns: its configuration: files in memory where there is such a place, kept open, connections to the origin kept.
// Leaves out: Varnish (`varnish.ts`), processes (`pinned-process.ts`).
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STORE_SIZE, type Contestant, type Place } from "./contestant.ts";
import { freePort, startListening } from "./pinned-process.ts";

/** Starts it in a folder of its own, which goes with it. */
export async function startNginx(place: Place): Promise<Contestant> {
  const port = await freePort();
  const folder = mkdtempSync(join(memoryFolder(), "larder-bench-nginx-"));
  mkdirSync(join(folder, "cache"));
  const config = join(folder, "nginx.conf");
  writeFileSync(config, nginxConfig({ ...place, folder, port }));
  const version = Bun.spawnSync(["nginx", "-v"]).stderr.toString().trim().replace("nginx version: ", "");
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const { url, stop } = await startListening(["nginx", "-c", config], port, place.core);
    return { name: "nginx", version, url, stop: () => stop().then(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

/** A file system in memory, where the machine has one. */
export function memoryFolder(): string {
  return existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
}

/** All of nginx.conf. Its answers carry no mark of a hit: that would cost it time, and the origin's count tells. */
export function nginxConfig({
  folder,
  port,
  originUrl,
  workers,
}: Place & { readonly folder: string; readonly port: number }): string {
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `${user} daemon off; worker_processes ${workers}; worker_rlimit_nofile 200000;
pid ${folder}/pid; error_log /dev/null;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on; default_type text/plain;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=bench:128m max_size=${STORE_SIZE.others} inactive=1h use_temp_path=off;
  open_file_cache max=150000 inactive=1h; open_file_cache_valid 1h;
  upstream origin { server ${new URL(originUrl).host}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096${workers > 1 ? " reuseport" : ""};
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_cache bench; }
  }
}
`;
}
