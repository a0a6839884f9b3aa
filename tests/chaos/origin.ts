// Answers: an origin that is there most of the time.
// Owns: its listener, connections, outages, and the versions that come by themselves.
// Leaves out: single answers (`origin-exchange.ts`), what goes wrong when (`faults.ts`).
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { ByteSource } from "../conformance/http-message.ts";
import { Dice } from "./dice.ts";
import { outages, refusesConnection } from "./faults.ts";
import { answer, type OriginParts } from "./origin-exchange.ts";
import { readOriginRequest } from "./origin-request.ts";

/** The origin of a run. */
export class ChaosOrigin {
  readonly #parts: OriginParts;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #connections = 0;
  #port = 0;
  #isStopped = false;
  #underWay = 0;
  /** While false it does nothing wrong by itself: connections are taken, it stays. */
  #isMisbehaving = false;

  constructor(parts: OriginParts) {
    this.#parts = parts;
    // Without allowHalfOpen a FIN of the cache would end a response that is on its way.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => void this.#serve(socket));
  }

  /** Such as `http://127.0.0.1:34567`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Requests that it has got and not answered to the end. */
  get underWay(): number {
    return this.#underWay;
  }

  async start(): Promise<void> {
    await this.#listen();
  }

  /** From now on connections are refused, the whole goes away now and then, and objects change. */
  misbehave(): void {
    this.#isMisbehaving = true;
    for (const { id, churnMs } of this.#parts.objects.values()) if (churnMs > 0) this.#churn(id, churnMs, 0);
    const turns = outages(this.#parts.seed);
    this.#nextOutage(turns);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await this.#leave();
  }

  async #listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(this.#port, "127.0.0.1", resolve);
    await promise;
    this.#server.off("error", reject);
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #leave(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    await promise;
  }

  #churn(id: string, churnMs: number, number: number): void {
    const waitMs = new Dice(this.#parts.seed, "churn", id, number).between(churnMs / 2, churnMs * 2);
    const next = (): void => {
      this.#parts.ledger.bump(id, this.#parts.nowMs());
      this.#churn(id, churnMs, number + 1);
    };
    this.#timers.set(id, setTimeout(next, waitMs));
  }

  #nextOutage(turns: ReturnType<typeof outages>): void {
    const turn = turns.next().value;
    if (turn === undefined) return;
    const outage = async (): Promise<void> => {
      const fault = this.#parts.ledger.fault("outage", this.#parts.nowMs());
      await this.#leave();
      await Bun.sleep(turn.awayMs);
      if (!this.#isStopped) await this.#listen();
      fault.untilMs = this.#parts.nowMs();
      if (!this.#isStopped) this.#nextOutage(turns);
    };
    this.#timers.set(
      "outage",
      setTimeout(() => void outage(), turn.thereMs),
    );
  }

  async #serve(socket: Socket): Promise<void> {
    const { seed, ledger, nowMs } = this.#parts;
    socket.on("error", () => {});
    if (this.#isMisbehaving && refusesConnection(seed, this.#connections++)) {
      ledger.fault("connection-reset", nowMs()).untilMs = nowMs();
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const source = new ByteSource(socket);
    for (;;) {
      const request = await readOriginRequest(source);
      if (request === undefined) break;
      this.#underWay++;
      const isUsable = await answer(socket, request, this.#parts);
      this.#underWay--;
      if (!isUsable) break;
    }
    if (!socket.writableEnded) socket.end();
    await goneWithin(socket, 1_000);
    socket.destroy();
  }
}

/** After a FIN the other side has a moment to answer with its own. */
function goneWithin(socket: Socket, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (socket.destroyed) return Promise.resolve();
  const timer = setTimeout(resolve, ms);
  socket.once("close", () => {
    clearTimeout(timer);
    resolve();
  });
  return promise;
}
