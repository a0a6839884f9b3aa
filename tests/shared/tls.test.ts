// Answers: is a Redis behind TLS used, and only one that can prove who it is?
// Owns: `rediss://` with a real server and a certificate made for the test.
// Leaves out: all that is the same without TLS.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../larder-process.ts";
import { describeWithRedis, freePort, startRedis } from "./redis-process.ts";

const SCRIPT = `
import { connect } from "./lib/shared/connect.ts";
import { parseSharedUrl } from "./lib/shared/url.ts";
const client = await connect(parseSharedUrl(process.env.URL), { connectMs: 1000, silentMs: 5000 });
let reason = "";
client.on("error", (error) => (reason ||= String(error.message)));
for (let at = 0; at < 300 && client.status !== "ready" && reason === ""; at++) await Bun.sleep(10);
console.log(reason === "" ? await client.call("ping") : "refused: " + reason);
client.disconnect();
`;

describeWithRedis("the shared tier behind TLS", () => {
  const hasOpenssl = Bun.which("openssl") !== null;

  test.skipIf(!hasOpenssl)("is used where its certificate is trusted, and nowhere else", async () => {
    const dir = mkdtempSync(join(tmpdir(), "larder-tls-"));
    const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...names];
    expect(Bun.spawnSync([...made, "-keyout", key, "-out", cert]).exitCode).toBe(0);
    const port = await freePort();
    const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert];
    const redis = await startRedis(["--tls-port", String(port), ...files, "--tls-auth-clients", "no"]);
    const said = async (env: Record<string, string>): Promise<string> => {
      const all = { ...process.env, URL: `rediss://127.0.0.1:${port}`, ...env };
      const child = Bun.spawn([process.execPath, "-e", SCRIPT], { cwd: ROOT, env: all, stderr: "inherit" });
      return (await new Response(child.stdout).text()).trim();
    };
    expect(await said({})).toMatch(/^refused: .*(?:certificate|self.signed)/i);
    expect(await said({ NODE_EXTRA_CA_CERTS: cert })).toBe("PONG");
    await redis.end();
    rmSync(dir, { recursive: true, force: true });
  });
});
