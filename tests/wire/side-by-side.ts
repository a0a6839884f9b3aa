// Answers: what two wires make of the same bytes.
// Owns: two Larders, each with an origin of its own, the same bytes to both, and what there is to compare.
// Leaves out: claims (`lane-beside-bun.test.ts`).
import { connect } from "node:net";
import { ByteSource, readBody, readHead } from "../conformance/http-message.ts";
import { Larder } from "../larder-under-test.ts";

/** One answer, as far as wires may not differ in it: no Date, and no field about framing or the connection. */
export interface Meaning {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
  readonly complete: boolean;
}

/** What came of some bytes: at the client, and at the origin, whose requests are sorted. */
export interface Outcome {
  readonly answers: readonly Meaning[];
  readonly atOrigin: readonly string[];
}

/** What the client's end says its address is: not that of a tunnel. */
const CLIENT = "127.0.0.2";

const OF_THE_WIRE = /^(?:date|content-length|transfer-encoding|connection|keep-alive)$/i;

interface Served {
  readonly larder: Larder;
  readonly url: string;
}

/** Two Larders with origins that answer alike. */
export class SideBySide {
  readonly #larders: readonly Served[];

  private constructor(larders: readonly Served[]) {
    this.#larders = larders;
  }

  static async start(): Promise<SideBySide> {
    const larders = [];
    for (const wire of ["bun", "lane"]) {
      const larder = await Larder.start();
      larder.origin.script({
        fields: { "Cache-Control": "no-store", "Content-Type": "text/plain", "X-Odd": "caf\xe9" },
        body: "the content",
      });
      larders.push({ larder, url: larder.serve(wire) });
    }
    return new SideBySide(larders);
  }

  /** The same bytes, latin1, to both; what came of them, Bun's first. */
  async send(text: string, methods: readonly string[]): Promise<readonly [bun: Outcome, lane: Outcome]> {
    const [bun, lane] = await Promise.all(
      this.#larders.map(async ({ larder, url }): Promise<Outcome> => {
        const before = larder.origin.requests.length;
        const answers = await answersTo(url, text, methods);
        const atOrigin = larder.origin.requests.slice(before).map(asSeen).sort();
        return { answers, atOrigin };
      }),
    );
    if (bun === undefined || lane === undefined) throw new Error("there are two");
    return [bun, lane];
  }

  async stop(): Promise<void> {
    await Promise.all(this.#larders.map(({ larder }) => larder.stop()));
  }
}

type Seen = Larder["origin"]["requests"][number];

/** All that the origin gets, but for the name of the process. */
function asSeen({ method, target, fields, body }: Seen): string {
  const lines = fields
    .filter(([name]) => !/^(?:cdn-loop|connection)$/i.test(name))
    .map(
      ([name, value]) =>
        `${name.toLowerCase()}: ${value.replaceAll(/localhost:\d+|127\.0\.0\.1:\d+/g, "HERE")}`,
    )
    .sort();
  return [`${method} ${target}`, ...lines, "", body].join("\n");
}

async function answersTo(url: string, text: string, methods: readonly string[]): Promise<Meaning[]> {
  const socket = connect({
    host: "127.0.0.1",
    port: Number(new URL(url).port),
    localAddress: CLIENT,
    noDelay: true,
  });
  socket.on("error", () => {});
  // Who waits for more than was asked would wait for the idle limit.
  const patience = setTimeout(() => socket.destroy(), 3000);
  socket.write(Buffer.from(text, "latin1"));
  const source = new ByteSource(socket);
  const answers: Meaning[] = [];
  while (answers.length < methods.length) {
    const head = await readHead(source);
    if (head === undefined) break;
    const status = Number(head.startLine.split(" ")[1]);
    if (status < 200) continue;
    const isBodiless = methods[answers.length] === "HEAD" || status === 204 || status === 304;
    const { text: body, complete } = isBodiless
      ? { text: "", complete: true }
      : await readBody(source, head.fields, true);
    const fields = head.fields
      .filter(([name]) => !OF_THE_WIRE.test(name))
      .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
      .sort();
    answers.push({ status, fields, body, complete });
  }
  clearTimeout(patience);
  socket.destroy();
  return answers;
}
