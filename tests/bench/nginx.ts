// Answers: how nginx takes part: as someone would set it up who wants it to be fast.
// Owns: its configuration: files in memory where there is such a place, kept open, connections to the origin kept.
// Leaves out: Varnish (`varnish.ts`), processes (`pinned-process.ts`).
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { STORE_SIZE, type Contestant, type Place } from "./contestant.ts";
import { freePort, makeFolder, removeFolder, startListening } from "./pinned-process.ts";

/** Starts it in a folder of its own, which goes with it. */
export async function startNginx(place: Place): Promise<Contestant> {
  const port = await freePort();
  const folder = makeFolder("nginx");
  mkdirSync(join(folder, "cache"));
  const config = join(folder, "nginx.conf");
  writeFileSync(config, nginxConfig({ ...place, folder, port, openFiles: mostOpenFiles() }));
  const version = Bun.spawnSync(["nginx", "-v"]).stderr.toString().trim().replace("nginx version: ", "");
  try {
    const { stop, ...served } = await startListening(["nginx", "-c", config], port, place.core);
    return { name: "nginx", version, ...served, stop: () => stop().then(() => removeFolder(folder)) };
  } catch (error) {
    removeFolder(folder);
    throw error;
  }
}

interface Particulars {
  readonly folder: string;
  readonly port: number;
  /** How many files and connections a process may have open. */
  readonly openFiles: number;
}

/** The limit that this machine sets; more than a run needs, where it sets none. */
function mostOpenFiles(): number {
  const limit = Number(Bun.spawnSync(["sh", "-c", "ulimit -Hn"]).stdout.toString());
  return Number.isInteger(limit) ? Math.min(limit, 200_000) : 200_000;
}

/**
 * All of nginx.conf. Without sendfile a header section and a small body leave in one write; with it they cost half as much
 * again, and with tcp_nopush besides, 100 KB wait for 40 ms at their end. Its answers carry no mark of a hit: that would cost it time, and the origin's count tells. */
export function nginxConfig({ folder, port, originUrl, workers, openFiles }: Place & Particulars): string {
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `${user} daemon off; worker_processes ${workers}; worker_rlimit_nofile ${openFiles};
pid ${folder}/pid; error_log /dev/null;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; sendfile off; output_buffers 2 128k; default_type text/plain;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=bench:128m max_size=${STORE_SIZE.others} inactive=1h use_temp_path=off;
  open_file_cache max=${Math.floor(openFiles * 0.75)} inactive=1h; open_file_cache_valid 1h;
  upstream origin { server ${new URL(originUrl).host}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096${workers > 1 ? " reuseport" : ""};
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_cache bench; }
  }
}
`;
}
