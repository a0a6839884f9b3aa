// Answers: are these the bytes of exactly that version and variant, all of them, and is the end an honest one?
// Owns: the comparison while bytes come; lengths, Content-Range, multipart/byteranges; clean and unclean ends.
// Leaves out: heads (`judge-head.ts`), framing on the wire (`response-reader.ts`).
import { firstDifference } from "./content.ts";
import { field, isExplained, type Case, type Problem } from "./judgement.ts";
import { bytesOf, variantOf, type ChaosObject } from "./objects.ts";
import { unsafeContent } from "./origin-exchange.ts";

/** How the connection treated a response. */
export type Ending = "clean" | "broken" | "left";

/** The bytes that have to come: `expected` from `offset` on, so many of them as `fits` says. */
interface Expectation {
  readonly expected: Buffer;
  readonly offset: number;
  readonly fits: (bytes: number) => boolean;
  readonly isMultipart?: boolean;
}

/** Watches one body. */
export class BodyJudge {
  readonly #facts: Case;
  readonly #expectation: Expectation | undefined;
  readonly #problems: Problem[] = [];
  readonly #kept: Buffer[] = [];
  #bytes = 0;

  constructor(facts: Case) {
    this.#facts = facts;
    this.#expectation = this.#expect();
  }

  /** Bytes of the body so far. */
  get bytes(): number {
    return this.#bytes;
  }

  take(bytes: Buffer): void {
    const { head } = this.#facts;
    const wanted = this.#expectation;
    if (wanted?.isMultipart === true) this.#kept.push(Buffer.from(bytes));
    else if (wanted !== undefined && this.#problems.length === 0) {
      const difference = firstDifference(bytes, wanted.expected, wanted.offset + this.#bytes);
      if (difference !== undefined) {
        const { at, expected, got } = difference;
        const whose = this.#whose(bytes.subarray(at - wanted.offset - this.#bytes), at);
        this.#wrong(
          "bytes",
          `byte ${at} is ${got}, expected ${expected} (status ${head.status}); from there on it is ${whose}`,
        );
      }
    }
    this.#bytes += bytes.length;
  }

  /** What is wrong with the body; empty where nothing is. */
  end(ending: Ending): readonly Problem[] {
    if (ending === "clean") this.#endClean();
    if (ending === "broken") this.#endBroken();
    return this.#problems;
  }

  #endClean(): void {
    const { head, word, sent } = this.#facts;
    if (
      word.collapsed &&
      field(head, "x-digest-is-wrong") !== "" &&
      head.status === 200 &&
      sent.plan.method === "GET"
    ) {
      this.#wrong("never-stored", `a clean end of a body that is not what its Repr-Digest says`);
    }
    const wanted = this.#expectation;
    if (wanted?.isMultipart === true) this.#judgeParts(wanted.expected);
    else if (wanted !== undefined && !wanted.fits(this.#bytes) && !this.#endedAsItsOriginDid()) {
      const due = wanted.expected.length - wanted.offset;
      this.#wrong(
        "clean-end",
        `a clean end after ${this.#bytes} bytes from ${wanted.offset} on; ${due} are there`,
      );
    }
  }

  /** Nobody can tell the end of a close-delimited body from a break: it may be passed on, and only that. */
  #endedAsItsOriginDid(): boolean {
    const { sent, word, head } = this.#facts;
    if (word.isHit || word.collapsed) return false;
    // A part or an answer to an unsafe request that is shorter than it should be, by its own Content-Length.
    if (isExplained(this.#facts, /^length-too-short/)) {
      // A large one is on its way in chunks, and its end is where the origin's framing had it.
      const length = head.fields.get("content-length");
      return length === undefined || this.#bytes === Number(length);
    }
    return sent.plan.object.framing === "close" && isExplained(this.#facts, /in-body|outage/);
  }

  #endBroken(): void {
    const { word, sent } = this.#facts;
    // Bun takes the end of what a client sends for the end of the client.
    if (sent.plan.halfCloses) return;
    const isStored = word.isHit || word.word === "STALE" || word.word === "VALIDATED";
    if (isStored) this.#wrong("broken", `a stored body broke off after ${this.#bytes} bytes`);
    else if (!isExplained(this.#facts) && sent.plan.reading === "swift") {
      this.#wrong("broken", `broken off after ${this.#bytes} bytes though the origin did nothing wrong`);
    }
  }

  #expect(): Expectation | undefined {
    const { head, sent, version, variant, ledger } = this.#facts;
    const { object, method, id } = sent.plan;
    const errorFor = head.fields.get("x-error-for");
    if (errorFor !== undefined) {
      return method === "HEAD" ? undefined : exactly(Buffer.from(`${head.status} for ${errorFor}`));
    }
    if (method !== "GET" && method !== "HEAD") {
      const hasContent = head.status < 400 && head.status !== 204;
      return hasContent ? exactly(unsafeContent(id)) : undefined;
    }
    if (head.status >= 400 && head.status !== object.status) return this.#unsatisfied();
    if (ledger.supersededAt(object.id, version) === undefined) return undefined;
    const whole = bytesOf(object, version, variant);
    const isLength = (length: number): boolean =>
      length === whole.length || ledger.wasAnnounced(object.id, version, { variant, length });
    if (method === "HEAD" || head.status === 304 || head.status === 204) {
      const length = head.fields.get("content-length");
      const isWrong = method === "HEAD" && length !== undefined && !isLength(Number(length));
      if (isWrong) this.#wrong("length", `HEAD says ${length} bytes, there are ${whole.length}`);
      return undefined;
    }
    if (head.status !== 206) return { expected: whole, offset: 0, fits: isLength };
    if (field(head, "content-type").startsWith("multipart/byteranges")) {
      return { expected: whole, offset: 0, fits: () => true, isMultipart: true };
    }
    return this.#part(whole, isLength);
  }

  /** A 206 with one part: the bytes that were asked for, unless the origin itself gave others. */
  #part(whole: Buffer, isLength: (length: number) => boolean): Expectation | undefined {
    const { head, sent } = this.#facts;
    const value = field(head, "content-range");
    const [first, last, total] = (/^bytes (\d+)-(\d+)\/(\d+)$/.exec(value) ?? []).slice(1).map(Number);
    if (first === undefined || last === undefined || total === undefined) {
      this.#wrong("content-range", `Content-Range "${value}"`);
      return undefined;
    }
    const isOrigins = isExplained(this.#facts, /^part-/);
    const asked = askedRanges(sent.range, total);
    const isAsked = asked.some(([from, to]) => from === first && to === last);
    if (!isLength(total)) this.#wrong("content-range", `${value}, but there are ${whole.length} bytes`);
    if (!isAsked && !isOrigins) this.#wrong("content-range", `${value} to ${sent.range}`);
    if (sent.ifRange !== "" && !isOrigins && field(head, "etag") !== sent.ifRange) {
      this.#wrong("if-range", `a part of ${field(head, "etag")} to If-Range ${sent.ifRange}`);
    }
    const fits = (bytes: number): boolean =>
      bytes === last - first + 1 || isExplained(this.#facts, /^part-too-long/);
    return { expected: whole, offset: first, fits };
  }

  #unsatisfied(): undefined {
    const { head, sent, version, variant, ledger } = this.#facts;
    const { object } = sent.plan;
    if (head.status !== 416) return undefined;
    const length = Number(/^bytes \*\/(\d+)$/.exec(field(head, "content-range"))?.[1]);
    const real =
      ledger.supersededAt(object.id, version) === undefined ? -1 : bytesOf(object, version, variant).length;
    const isLength = length === real || ledger.wasAnnounced(object.id, version, { variant, length });
    if (!isLength || askedRanges(sent.range, length).length > 0) {
      this.#wrong(
        "content-range",
        `416 with ${field(head, "content-range")} to ${sent.range}, there are ${real} bytes`,
      );
    }
    return undefined;
  }

  #judgeParts(whole: Buffer): void {
    const { head, sent } = this.#facts;
    const boundary = /boundary="?([^";]+)/.exec(field(head, "content-type"))?.[1] ?? "";
    const parts = partsOf(Buffer.concat(this.#kept), boundary);
    if (parts === undefined) return this.#wrong("multipart", "not multipart/byteranges as in RFC 9110 §14.6");
    const total = parts[0]?.total ?? 0;
    const asked = askedRanges(sent.range, total).map((range) => range.join("-"));
    const got = parts.map(({ first, bytes }) => `${first}-${first + bytes.length - 1}`);
    if (got.join() !== asked.join()) this.#wrong("multipart", `parts ${got.join()} to ${sent.range}`);
    for (const { first, bytes } of parts) {
      const difference = firstDifference(bytes, whole, first);
      if (difference !== undefined)
        this.#wrong("bytes", `byte ${difference.at} is wrong in the part from ${first} on`);
    }
  }

  /** Which other version the bytes at that offset are of, as far as it can be told. */
  #whose(bytes: Buffer, offset: number): string {
    const { sent, ledger, version } = this.#facts;
    const { object, selecting, id } = sent.plan;
    for (let other = ledger.current(object.id); other >= 0; other--) {
      if (isOf(bytes, offset, [object, other, variantOf(object, selecting, id)]))
        return `version ${other}, not ${version}`;
    }
    return "of no version of it";
  }

  #wrong(rule: string, detail: string): void {
    this.#problems.push({ rule, detail });
  }
}

function exactly(expected: Buffer): Expectation {
  return { expected, offset: 0, fits: (bytes) => bytes === expected.length };
}

function isOf(
  bytes: Buffer,
  offset: number,
  [object, version, variant]: [ChaosObject, number, string],
): boolean {
  const probe = bytes.subarray(0, 16);
  return firstDifference(probe, bytesOf(object, version, variant), offset) === undefined;
}

/** The satisfiable ranges of a Range field for that length, in the order asked for. */
function askedRanges(range: string, length: number): [first: number, last: number][] {
  return range
    .replace("bytes=", "")
    .split(",")
    .flatMap((spec): [number, number][] => {
      const [, from = "", to = ""] = /^(\d*)-(\d*)$/.exec(spec.trim()) ?? [];
      if (from === "" && to === "") return [];
      const first = from === "" ? Math.max(0, length - Number(to)) : Number(from);
      const last = from === "" || to === "" ? length - 1 : Math.min(Number(to), length - 1);
      return first <= last ? [[first, last]] : [];
    });
}

interface MultipartPart {
  readonly first: number;
  readonly total: number;
  readonly bytes: Buffer;
}

/** The parts; `undefined` where anything in between is not as it should be. */
function partsOf(body: Buffer, boundary: string): MultipartPart[] | undefined {
  const parts: MultipartPart[] = [];
  let at = 0;
  for (;;) {
    const opening = body.indexOf(`--${boundary}`, at);
    if (opening < 0 || (parts.length > 0 && opening !== at + 2)) return undefined;
    if (body.toString("latin1", opening + boundary.length + 2).startsWith("--")) return parts;
    const end = body.indexOf("\r\n\r\n", opening);
    const head = body.toString("latin1", opening, end);
    const [first, last, total] = (/content-range: bytes (\d+)-(\d+)\/(\d+)/i.exec(head) ?? [])
      .slice(1)
      .map(Number);
    if (end < 0 || first === undefined || last === undefined || total === undefined) return undefined;
    at = end + 4 + last - first + 1;
    if (at > body.length) return undefined;
    parts.push({ first, total, bytes: body.subarray(end + 4, at) });
  }
}
