// Answers: can a TCP connection be made to an origin?
// Owns: one connection that is made and closed again, on `node:net`, which Bun and Node have alike.
// Leaves out: when that is asked and what follows from it (`origins/connect-probe.ts`); TLS, which begins later.
import { connect as connectSocket } from "node:net";
import type { Connect } from "../origins/connect-probe.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** The `Connect` over TCP, to `http://host:port` or `https://host:port`. Rejects with the signal's reason when it aborts. */
export const connectTcp: Connect = (origin, signal) =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const { protocol, hostname, port } = new URL(origin);
    const socket = connectSocket({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port),
    });
    const end = (settle: () => void): void => {
      signal.removeEventListener("abort", abandon);
      settle();
      socket.destroy();
    };
    const abandon = (): void => end(() => reject(signal.reason));
    signal.addEventListener("abort", abandon, { once: true });
    socket.on("connect", () => end(resolve));
    // Stays in place after the end: a socket that is being destroyed may still report an error.
    socket.on("error", (error) => end(() => reject(error)));
  });
