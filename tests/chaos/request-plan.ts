// Answers: what a client asks for next, and how it behaves while it is answered.
// Owns: the tables of methods, directives, ranges and manners; all drawn from the seed, the client and a counter.
// Leaves out: doing it (`client.ts`), validators, which depend on what the client has got before (`exchange.ts`).
import { Dice } from "./dice.ts";
import { SELECTING_VALUES, type ChaosObject } from "./objects.ts";

/** One request of one client, decided before anything is known about the answer. */
export interface RequestPlan {
  /** Such as `c7.r3`: the third request of client 7. */
  readonly id: string;
  readonly object: ChaosObject;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** The value of the selecting header field, "" for none. */
  readonly selecting: string;
  /** Where the client knows a validator of what it asks for, it sends it. */
  readonly condition: "none" | "tag" | "date";
  /** Cache-Control of the request, "" for none. */
  readonly directives: string;
  /** Range as a share of the length, resolved when the length is known; empty for none. */
  readonly ranges: readonly RangePlan[];
  readonly withIfRange: boolean;
  readonly reading: "swift" | "slow" | "pauses";
  /** Bytes of the response after which it leaves. */
  readonly leavesAfter: number | undefined;
  readonly halfCloses: boolean;
  readonly uploadBytes: number;
  readonly uploadsInChunks: boolean;
}

/** One range: from a share of the length on, so many bytes; or the last bytes, or all from there. */
export interface RangePlan {
  readonly share: number;
  readonly bytes: number;
  readonly form: "both" | "open" | "suffix" | "beyond";
}

const METHODS = [
  ["GET", 88],
  ["HEAD", 6],
  ["POST", 3],
  ["PUT", 1.5],
  ["DELETE", 1.5],
] as const;
const DIRECTIVES = [
  ["", 80],
  ["no-cache", 5],
  ["only-if-cached", 4],
  ["max-stale=2", 3],
  ["max-stale", 1],
  ["max-age=1", 3],
  ["min-fresh=1", 2],
  ["no-store", 2],
] as const;
const FORMS = [
  ["both", 6],
  ["open", 2],
  ["suffix", 2],
  ["beyond", 0.5],
] as const;
const READING = [
  ["swift", 90],
  ["slow", 6],
  ["pauses", 4],
] as const;

/** How often objects are asked for: large ones less, so that bytes do not crowd out requests. */
export function popularity(objects: readonly ChaosObject[]): (readonly [ChaosObject, number])[] {
  return objects.map((object) => [object, 1 / (1 + object.baseBytes / 100_000)]);
}

/** The request that a client makes as its `number`th. */
export function requestPlan(
  seed: number,
  client: number,
  number: number,
  objects: readonly (readonly [ChaosObject, number])[],
): RequestPlan {
  const dice = new Dice(seed, "client", client, "request", number);
  const object = dice.weighted(objects);
  const drawn = dice.weighted(METHODS);
  // Without validator and length a HEAD response cannot show that there is a new version (§4.3.5).
  const mayAskHead = object.validator !== "none" || object.framing === "length";
  const method = drawn === "HEAD" && !mayAskHead ? "GET" : drawn;
  const isUnsafe = method !== "GET" && method !== "HEAD";
  const hasRange = method === "GET" && dice.chance(0.15);
  const count = dice.chance(0.3) ? dice.between(2, 4) : 1;
  return {
    id: `c${client}.r${number}`,
    object,
    method,
    selecting: object.vary === "" ? "" : dice.pick(Object.keys(SELECTING_VALUES[object.vary])),
    condition: isUnsafe || hasRange ? "none" : dice.weighted([["none", 7] as const, ["tag", 2], ["date", 1]]),
    directives: isUnsafe ? "" : dice.weighted(DIRECTIVES),
    ranges: hasRange ? Array.from({ length: count }, () => rangePlan(dice)) : [],
    withIfRange: dice.chance(0.4),
    reading: dice.weighted(READING),
    leavesAfter: dice.chance(0.05)
      ? Math.floor(dice.next() * Math.min(object.baseBytes + 300, 2_000_000))
      : undefined,
    halfCloses: dice.chance(0.02),
    uploadBytes: isUnsafe && method !== "DELETE" ? dice.between(0, 40_000) : 0,
    uploadsInChunks: dice.chance(0.4),
  };
}

/** The Range field of a plan for a representation of that length; `undefined` where none is asked for. */
export function rangeField(ranges: readonly RangePlan[], length: number): string | undefined {
  if (ranges.length === 0) return undefined;
  const specs = ranges.map(({ share, bytes, form }) => {
    const first = Math.floor(share * length);
    if (form === "suffix") return `-${bytes}`;
    if (form === "open") return `${first}-`;
    return form === "beyond" ? `${length + 100_000}-` : `${first}-${first + bytes - 1}`;
  });
  return `bytes=${specs.join(",")}`;
}

function rangePlan(dice: Dice): RangePlan {
  return { share: dice.next(), bytes: dice.between(1, 20_000), form: dice.weighted(FORMS) };
}
