// Answers: how Varnish takes part: as someone would set it up who wants it to be fast.
// Owns: its VCL and parameters.
// Leaves out: nginx (`nginx.ts`), processes (`pinned-process.ts`).
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { STORE_SIZE, type Contestant, type Place } from "./contestant.ts";
import { freePort, makeFolder, removeFolder, startListening } from "./pinned-process.ts";

/** Starts it in a folder of its own, which goes with it; `more` are further arguments of varnishd. */
export async function startVarnish(
  { originUrl, core }: Place,
  more: readonly string[] = [],
): Promise<Contestant> {
  const port = await freePort();
  const folder = makeFolder("varnish");
  const vcl = join(folder, "bench.vcl");
  writeFileSync(vcl, varnishConfig(originUrl));
  const parameters = ["-p", "thread_pools=1", "-p", "thread_pool_min=200", "-p", "thread_pool_max=2000"];
  const command = ["varnishd", "-j", "none", "-F", "-n", folder, "-a", `127.0.0.1:${port}`, "-f", vcl];
  const store = ["-s", `malloc,${STORE_SIZE.others}`];
  const [, version = "varnish"] =
    /(varnish-[\d.]+)/.exec(Bun.spawnSync(["varnishd", "-V"]).stderr.toString()) ?? [];
  try {
    const { stop, ...served } = await startListening(
      [...command, ...store, ...parameters, ...more],
      port,
      core,
    );
    return { name: "varnish", version, ...served, stop: () => stop().then(() => removeFolder(folder)) };
  } catch (error) {
    removeFolder(folder);
    throw error;
  }
}

/** All of the VCL. With cookies Varnish would pass, where the others answer from their store. */
export function varnishConfig(originUrl: string): string {
  const { hostname, port } = new URL(originUrl);
  return `vcl 4.1;
backend default { .host = "${hostname}"; .port = "${port}"; }
sub vcl_recv { unset req.http.Cookie; }
`;
}
