// Answers: what does an origin look like that never accepts a connection?
// Owns: a port on loopback whose queue of connections is full, so that the next one waits for ever.
// Leaves out: origins that accept and are silent (`targeted-origin.ts`).
import { connect, type Socket } from "node:net";

/** A port that neither accepts nor refuses. */
export interface DeafPort {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const LISTENER = `const server = require("node:net").createServer();
server.listen(0, "127.0.0.1", () => {
  console.log(server.address().port);
  process.kill(process.pid, "SIGSTOP");
});`;

/** A process that listens, stands still, and has its queue filled. @throws where the queue has no end. */
export async function deafPort(): Promise<DeafPort> {
  const child = Bun.spawn([process.execPath, "-e", LISTENER], {
    env: { ...process.env, BUN_OPTIONS: "--no-orphans" },
    stdout: "pipe",
    stderr: "ignore",
  });
  const port = Number(Buffer.from((await child.stdout.getReader().read()).value ?? "").toString());
  const sockets: Socket[] = [];
  while (await isAccepted(port, sockets)) if (sockets.length > 5000) throw new Error("the queue has no end");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    for (const socket of sockets) socket.destroy();
    await child.exited;
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

function isAccepted(port: number, sockets: Socket[]): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  sockets.push(socket);
  socket.on("error", () => {});
  return new Promise((resolve) => {
    // The kernel accepts within microseconds, or, with a full queue, not at all.
    const timer = setTimeout(() => resolve(false), 500);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
