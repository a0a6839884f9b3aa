// Answers: is a port free, and who may share it out among processes?
// Owns: the exclusive look at a port that processes are going to share, and the one who shares out at a time.
// Leaves out: listening there (`serve-bun.ts`), the processes (`workers/`).

/** A port that nobody else shares out until it is released. */
export interface Claim {
  readonly port: number;
  readonly release: () => void;
}

/** Longer than it takes others to start their processes; then the port counts as taken. */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 50;

/**
 * Claims a port, any free one for 0. Processes that share a port listen in a way in which Linux also lets a stranger in
 * who does the same; one that asks for the port alone is refused. So whoever wants to share it out looks first whether it
 * could be had alone. Between that look and the first listening process, there is nothing in the kernel that would refuse
 * another one who looks: two that start at the same time would both find it free. Hence the name, which only one of them
 * can hold, and which is gone with the process, however that ends. The other one waits for the name, and by then the
 * port is taken. @throws an EADDRINUSE error where it is.
 */
export async function claimPort(host: string, port: number): Promise<Claim> {
  for (const giveUpMs = Date.now() + PATIENCE_MS; ; await pause()) {
    // The name first: a look is a listening socket, which must not be in the way of those who start.
    const name = port === 0 ? undefined : held(port);
    if (name === undefined && port !== 0 && Date.now() < giveUpMs) continue;
    const look = listenAlone(host, port, name);
    // Of a port that was free a moment ago, the number is known only now.
    const own = name ?? held(look.port);
    await look.end();
    if (own !== undefined) return { port: look.port, release: own };
    if (Date.now() >= giveUpMs) throw taken(look.port);
  }
}

function listenAlone(
  host: string,
  port: number,
  release: (() => void) | undefined,
): { readonly port: number; readonly end: () => Promise<void> } {
  try {
    const server = Bun.serve({
      port,
      hostname: host,
      development: false,
      reusePort: false,
      fetch: () => new Response(null, { status: 503, headers: { connection: "close", "retry-after": "1" } }),
    });
    return { port: server.port ?? port, end: () => server.stop(true) };
  } catch (error) {
    release?.();
    throw error;
  }
}

/** What gives the name of a port back; `undefined` where another process holds it. Only Linux has such names. */
function held(port: number): (() => void) | undefined {
  if (process.platform !== "linux") return () => {};
  try {
    const name = Bun.listen({
      unix: `\0larder-port-${port}`,
      socket: { open: (socket) => void socket.end(), data() {} },
    });
    return () => name.stop(true);
  } catch {
    return undefined;
  }
}

function taken(port: number): Error {
  return Object.assign(new Error(`Failed to start server. Is port ${port} in use?`), { code: "EADDRINUSE" });
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
