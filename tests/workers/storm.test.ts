// Answers: does all of it hold at the same time?
// Owns: workers that are killed while pages are read, changed and fetched anew; every byte and version is checked.
// Leaves out: each of these alone (the other files of this folder), clients that misbehave (`../chaos/`).
import { expect, setDefaultTimeout, test } from "bun:test";
import { type Connection, type Crew, TEST_LIMIT_MS, until, withCrew } from "./crew.ts";

const PAGES = 12;

/** `STORM_MS=60000 bun test tests/workers/storm.test.ts`: a longer one. */
const STORM_MS = Number(process.env["STORM_MS"] ?? 4000);
setDefaultTimeout(TEST_LIMIT_MS + STORM_MS);

/** A page of the origin: what it is at now, and what a client has been told that it is at. */
interface Page {
  readonly target: string;
  version: number;
  confirmed: number;
}

function bodyOf({ target }: Page, version: number): string {
  return `${target} v${version} `.padEnd(100 + (version % 7) * 20_000, `${target}${version}`);
}

function pagesOf(crew: Crew): Page[] {
  const pages = Array.from({ length: PAGES }, (_, at) => ({
    target: `/storm/${at}`,
    version: 1,
    confirmed: 1,
  }));
  for (const page of pages) {
    crew.origin.on(page.target, (asked) => {
      if (asked.method === "PUT") page.version++;
      const fields = { "Cache-Control": "max-age=600", ETag: `"${page.version}"` };
      const isSame = asked.get("if-none-match") === fields.ETag;
      return asked.reply(isSame ? { status: 304, fields } : { fields, body: bodyOf(page, page.version) });
    });
  }
  return pages;
}

/** Reads until it is over; what was wrong. Only a body that the killed worker was sending may be cut off. */
async function read(
  connection: Connection,
  pages: readonly Page[],
  isOver: () => boolean,
): Promise<string[]> {
  const wrong: string[] = [];
  for (let at = 0; !isOver(); at++) {
    const page = pages[(at * 5) % PAGES];
    if (page === undefined) continue;
    const atLeast = page.confirmed;
    const fields = at % 11 === 0 ? { "Cache-Control": "no-cache" } : {};
    const { status, bytes, complete } = await connection.ask(page.target, { fields });
    const version = Number(/ v(\d+) /.exec(bytes.toString("latin1", 0, 60))?.[1]);
    const expected = bodyOf(page, version);
    if (status !== 200) wrong.push(`status ${status}`);
    else if (version < atLeast) wrong.push(`${page.target}: v${version} after v${atLeast}`);
    else if (complete ? bytes.toString() !== expected : !expected.startsWith(bytes.toString()))
      wrong.push(`${page.target}: other bytes`);
  }
  return wrong;
}

test(
  "no client sees an error, wrong bytes, or less than what was confirmed",
  withCrew(3, async (crew) => {
    const pages = pagesOf(crew);
    const endMs = performance.now() + STORM_MS;
    const isOver = (): boolean => performance.now() > endMs;
    // The worker in slot 0 is the one that is killed: nobody's connection leads there.
    const readers = await Promise.all(Array.from({ length: 8 }, (_, at) => crew.to(1 + (at % 2))));
    const writers = [await crew.to(1), await crew.to(2)];
    const reading = readers.map((one) => read(one, pages, isOver));
    const writing = (async () => {
      for (let at = 0; !isOver(); at++) {
        const page = pages[at % PAGES];
        const got = await writers[at % 2]?.ask(page?.target ?? "", { method: "PUT", body: "x" });
        if (page === undefined || got === undefined) continue;
        expect(got.status).toBe(200);
        page.confirmed = page.version;
        await Bun.sleep(20);
      }
    })();
    while (!isOver()) {
      const [pid = 0] = crew.supervisor.pids;
      process.kill(pid, "SIGKILL");
      await until(() => !crew.supervisor.pids.includes(pid), "its end");
      await until(() => crew.supervisor.pids.length === 3, "another one");
      await Bun.sleep(300);
    }
    await writing;
    expect((await Promise.all(reading)).flat()).toEqual([]);
    await until(async () => (await crew.supervisor.stats()).fillsInFlight === 0, "no fill in flight");
  }),
);
