// Answers: how the benchmark takes hold of single parts of the engine.
// Owns: all imports of the benchmark from `lib/`: what changes there is followed here, and nowhere else.
// Leaves out: what is measured of them (`micro/`, `memory/`).
import { cacheApp } from "../../lib/cache-app.ts";
import { cacheEngine, type Engine } from "../../lib/cache-serve.ts";
import { cacheStatusMember } from "../../lib/cache-status.ts";
import { refuse } from "../../lib/door.ts";
import type { PresentedRequest, ReceivedResponse, StoredHead, StoredResponse } from "../../lib/message.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import { answerFromStored } from "../../lib/respond.ts";
import { requestDirectives, responseDirectives } from "../../lib/rfc9111/cache-control.ts";
import { storedHead, type CachingRules } from "../../lib/rfc9111/outcome.ts";
import { decide, requestFacts } from "../../lib/rfc9111/reuse.ts";
import { deltaSeconds, epochSeconds } from "../../lib/rfc9111/time.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { WebRequest, responseFrom } from "../../lib/wire/web-message.ts";

/** A function of the engine, ready to be called again and again. */
export interface Subject {
  readonly name: string;
  /** Gives something back, so that nothing of it can be left out. */
  readonly call: () => unknown;
}

/** A store that can be filled through its own Writer, and answered from. */
export interface FilledStore {
  /** Stores a response; how many bytes of head and body it has on the wire. */
  readonly put: (uri: string, fields: Readonly<Record<string, string>>, body: Uint8Array) => number;
  /** Answers a GET from the store, as a hit. */
  readonly hit: (uri: string) => unknown;
  /** What the store itself says that it holds, in bytes. */
  readonly countedBytes: () => number;
}

const RULES: CachingRules = {
  heuristic: { share: 0.1, max: deltaSeconds(86_400) },
  vary: "meaning",
  staleIfError: deltaSeconds(86_400),
  staleWhileRevalidate: deltaSeconds(0),
  originAuthorities: [],
};

/** An empty memory tier with so much room. */
export function emptyStore(budgetBytes: number): FilledStore {
  const store = new MemoryStore({ budgetBytes, maxObjectBytes: budgetBytes });
  const request = requestFacts("GET", new Headers({ "accept-encoding": "gzip" }));
  return {
    put(uri, fields, body) {
      const writer = store.write(headOf(uri, fields, body.length), body.length);
      writer?.write(body);
      if (writer?.commit() === undefined) throw new Error(`${uri} was not stored`);
      const lines = Object.entries(fields).map(([name, value]) => name.length + value.length + 4);
      return lines.reduce((sum, line) => sum + line, body.length);
    },
    hit(uri) {
      const now = epochSeconds(Date.now());
      const [stored] = store.lookup(uri);
      if (stored === undefined) throw new Error(`${uri} is not stored`);
      return answerFromStored(stored, request, { word: "HIT", ttl: stored.staleAt - now }, now);
    },
    countedBytes: () => store.stats().storedBytes,
  };
}

/** Parts of a hit, in the order in which a request meets them, then all of it. The engine caches this origin. */
export async function subjects(originUrl: string, targets: readonly string[]): Promise<readonly Subject[]> {
  const options = resolveOptions(CACHE_OPTIONS, { argv: ["--origin", originUrl], env: {}, file: {} });
  const engine = cacheEngine(options);
  const app = cacheApp(engine.proxy, engine.events);
  const uris = targets.map((target) => `http://bench.example${target}`);
  for (const uri of uris) await warm(engine, uri);
  const [uri = ""] = uris;
  const request = new Request(uri);
  const presented = new WebRequest(request, () => undefined);
  const conditional = new WebRequest(
    new Request(uri, { headers: { "if-none-match": "*" } }),
    () => undefined,
  );
  const others = uris.map((one) => new WebRequest(new Request(one), () => undefined));
  const answer = engine.proxy.handle(presented);
  if (answer instanceof Promise) throw new Error("a hit did not answer at once");
  let at = 0;
  return [
    {
      name: "refuse: let in at the door",
      call: () => refuse({ method: request.method, url: request.url, fields: request.headers }),
    },
    { name: "new WebRequest(request)", call: () => new WebRequest(request, () => undefined) },
    ...partsOfAHit(uri, presented),
    { name: "responseFrom(answer)", call: () => responseFrom(answer) },
    { name: "proxy.handle: a hit", call: () => engine.proxy.handle(presented) },
    { name: "proxy.handle: a 304", call: () => engine.proxy.handle(conditional) },
    {
      name: `proxy.handle: hits of ${uris.length} keys in turn`,
      call: () => engine.proxy.handle(others[(at = (at + 1) % others.length)] ?? presented),
    },
    { name: "app.fetch: a hit, from Request to Response", call: () => app.fetch(request) },
    { name: "new Response of the same (the floor)", call: () => responseFloor(answer.fields, answer.body) },
  ];
}

function partsOfAHit(uri: string, { method, fields }: PresentedRequest): readonly Subject[] {
  const now = epochSeconds(Date.now());
  const store = new MemoryStore({ budgetBytes: 2 ** 20, maxObjectBytes: 2 ** 20 });
  const directives = "public, max-age=3600, stale-while-revalidate=60";
  const bytes = new Uint8Array(1024);
  const head = headOf(uri, { "cache-control": directives, etag: '"1"' }, bytes.length);
  const writer = store.write(head, bytes.length);
  writer?.write(bytes);
  const stored: StoredResponse | undefined = writer?.commit();
  if (stored === undefined) throw new Error("nothing was stored");
  const request = requestFacts(method, fields);
  const conditional = requestFacts(method, new Headers({ "if-none-match": '"1"' }));
  const variants = store.lookup(uri);
  const report = { word: "HIT", ttl: 60 } as const;
  let ttl = 0;
  const received = new Headers({ "cache-control": directives });
  return [
    { name: "requestFacts(method, fields)", call: () => requestFacts(method, fields) },
    { name: "requestDirectives, none", call: () => requestDirectives(null) },
    { name: "requestDirectives(max-age=0)", call: () => requestDirectives("max-age=0") },
    { name: "responseDirectives(three)", call: () => responseDirectives(received) },
    { name: "store.lookup(uri)", call: () => store.lookup(uri) },
    { name: "decide: reuse", call: () => decide(request, variants, now, RULES) },
    { name: "cacheStatusMember(hit)", call: () => cacheStatusMember({ word: "HIT", ttl: ttl++ }) },
    { name: "answerFromStored: 200", call: () => answerFromStored(stored, request, report, now) },
    { name: "answerFromStored: 304", call: () => answerFromStored(stored, conditional, report, now) },
  ];
}

async function warm({ proxy }: Engine, uri: string): Promise<void> {
  const answer = await proxy.handle(new WebRequest(new Request(uri), () => undefined));
  await responseFrom(answer).arrayBuffer();
}

function responseFloor(headers: Headers, body: unknown): Response {
  return new Response(body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : null, { headers });
}

function headOf(uri: string, fields: Readonly<Record<string, string>>, length: number): StoredHead {
  const now = epochSeconds(Date.now());
  const received: ReceivedResponse = {
    status: 200,
    fields: new Headers(fields),
    body: null,
    framing: "length",
    length,
    requestTime: now,
    responseTime: now,
  };
  const request = requestFacts("GET", new Headers({ "accept-encoding": "gzip" }));
  const forwarding = { kind: "forward", why: "uri-miss", nominated: [] } as const;
  return storedHead({ uri, request, forwarding, stored: [], received }, RULES);
}
