// Answers: what is done to valid requests by those who mean harm, or do not know better.
// Owns: one table of changes to the structure of a request.
// Leaves out: changes to bytes (`byte-mutations.ts`); what must be refused then: `request-reader.ts` reads the result by the letter.
import type { Chance } from "./chance.ts";
import type { Draft } from "./request-shapes.ts";

/** Changes a draft in place. */
export type Mutation = (draft: Draft, chance: Chance) => void;

const CODINGS = [
  "chunked, chunked",
  "gzip, chunked",
  "chunked, gzip",
  "identity",
  "xchunked",
  "chunked;q=1",
  '"chunked"',
  "\tchunked",
  "chunked,",
  "",
  ",",
  "\x0bchunked",
  "chunked\0",
  "cow",
];
const LENGTHS = [
  "-1",
  "+5",
  "0x5",
  "5 5",
  "5, 5",
  "5, 6",
  "5,",
  "1e1",
  "",
  " ",
  "00005",
  "18446744073709551616",
  "99999999999999999999999",
  "9007199254740993",
  "5;",
  "\xef\xbc\x95",
  "1_0",
  "5\t",
];
const CHUNKS = [
  "-1\r\n",
  "0x5\r\nhello\r\n0\r\n\r\n",
  "g\r\n\r\n",
  "5 \r\nhello\r\n0\r\n\r\n",
  " 5\r\nhello\r\n0\r\n\r\n",
  "5\nhello\n0\n\n",
  "5\r\nhelloX\r\n0\r\n\r\n",
  "5\r\nhell\r\n0\r\n\r\n",
  "5\r\nhello0\r\n\r\n",
  "5\rhello\r0\r\r",
  "5;\nx\r\nhello\r\n0\r\n\r\n",
  "5;a\r\r\nhello\r\n0\r\n\r\n",
  "5\r\nhello\r\n0\r\n",
  "5\r\nhello\r\n0\r\nX: y\r\n",
  "5\r\nhello\r\n0\r\nbad trailer\r\n\r\n",
  "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n",
  "ffffffffffffffff\r\nx",
  "10000000000000005\r\nhello\r\n0\r\n\r\n",
  "00000000000000000005\r\nhello\r\n0\r\n\r\n",
  "\r\n5\r\nhello\r\n0\r\n\r\n",
  "0\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
];
const NAMES = [
  "",
  " X",
  "X ",
  "X\t",
  "X\0",
  "X\x7f",
  "X(",
  "é",
  "X:Y",
  "\x01",
  "Content-Length ",
  "Transfer-Encoding\0",
  "@",
  "{}",
];

function swap(draft: Draft, pattern: RegExp, line: string): void {
  draft.lines = [...draft.lines.filter((each) => !pattern.test(each)), line];
}

const LENGTH = /^content-length/i;
const CODING = /^transfer-encoding/i;

/** A request in the content of another, that shows where only one of the two framings is heeded. */
function hide(draft: Draft, content: string, length: number | undefined): void {
  const others = draft.lines.filter((line) => !LENGTH.test(line) && !CODING.test(line));
  draft.method = "POST";
  draft.content = content;
  draft.lines = [...others, `Content-Length: ${length ?? content.length}`, "Transfer-Encoding: chunked"];
}

/** Changes to the structure. */
const STRUCTURAL: readonly Mutation[] = [
  // Two framings that disagree.
  (draft) => void draft.lines.push(`Content-Length: ${draft.content.length}`, "Transfer-Encoding: chunked"),
  (draft) =>
    void draft.lines.unshift("Transfer-Encoding: chunked", `Content-Length: ${draft.content.length}`),
  (draft) => hide(draft, `0\r\n\r\n${draft.smuggled}`, undefined),
  (draft) => hide(draft, `${draft.smuggled.length.toString(16)}\r\n${draft.smuggled}\r\n0\r\n\r\n`, 4),
  (draft, chance) => swap(draft, CODING, `Transfer-Encoding: ${chance.pick(CODINGS)}`),
  (draft, chance) => void draft.lines.push(`Transfer-Encoding: ${chance.pick(CODINGS)}`),
  (draft, chance) =>
    void draft.lines.push(
      `${chance.pick(["Transfer-Encoding ", "Transfer_Encoding", " Transfer-Encoding", "transfer-ENCODING"])}: chunked`,
    ),
  (draft, chance) => swap(draft, LENGTH, `Content-Length: ${chance.pick(LENGTHS)}`),
  (draft, chance) => void draft.lines.push(`Content-Length: ${chance.pick(LENGTHS)}`),
  (draft, chance) => {
    swap(draft, LENGTH, "Transfer-Encoding: chunked");
    draft.content = chance.pick(CHUNKS);
  },
  (draft, chance) => {
    draft.method = "POST";
    draft.lines = [
      ...draft.lines.filter((line) => !LENGTH.test(line) && !CODING.test(line)),
      "Transfer-Encoding: chunked",
    ];
    draft.content = chance.pick(CHUNKS);
  },
  // Fields that come twice, folded, or mangled.
  (draft, chance) => void draft.lines.push(chance.pick(draft.lines)),
  (draft, chance) =>
    void draft.lines.push(chance.pick(["Host: evil.test", "Host: fuzz.test", "host:", "HOST: a b"])),
  (draft) => void (draft.lines = draft.lines.filter((line) => !/^host/i.test(line))),
  (draft, chance) =>
    swap(
      draft,
      /^host/i,
      `Host: ${chance.pick(["", "a/b", "a@b", "[::1", "a:99999", "é", "a,b", "%00", "a b", ":80"])}`,
    ),
  (draft, chance) =>
    void draft.lines.splice(
      chance.between(0, draft.lines.length),
      0,
      chance.pick([" folded", "\tfolded", " "]),
    ),
  (draft, chance) => void draft.lines.push(`${chance.pick(NAMES)}: x`),
  (draft, chance) =>
    void draft.lines.push(
      chance.pick(["no colon", ":", "X", "X : y", "X\x00Y: z", "X: \x00", "X: a\rb", "X: a\nb", "X:\x01"]),
    ),
  (draft, chance) =>
    void (draft.lines = draft.lines.map((line) =>
      chance.is(0.3) ? line.replace(": ", chance.pick([":", " : ", ":\t\t", ": \r "])) : line,
    )),
  (draft, chance) =>
    void draft.lines.push(`X-Large: ${"x".repeat(chance.pick([5000, 15_500, 16_500, 70_000, 300_000]))}`),
  (draft, chance) =>
    void draft.lines.push(
      ...Array.from({ length: chance.pick([100, 190, 205, 1000]) }, (_, at) => `X-${at}: y`),
    ),
  // Lines.
  (draft) => void (draft.end = "\n"),
  (draft, chance) =>
    void (draft.method = chance.pick([
      "",
      "G ET",
      "GE\0T",
      "PRI",
      "POST\t",
      " GET",
      "\r\nGET",
      "\n\nPOST",
      "GET\r",
      "X".repeat(300),
      "Get",
      "GÉT",
    ])),
  (draft, chance) =>
    void (draft.version = chance.pick([
      "HTTP/1.2",
      "HTTP/2.0",
      "HTTP/0.9",
      "http/1.1",
      "HTTP/1.1 ",
      "HTTP/1.10",
      "HTTP/1",
      "HTTP/ 1.1",
      "",
      "HTTP/1.1\r",
      "ICY/1.1",
    ])),
  (draft, chance) =>
    void (draft.target += chance.pick([
      "%",
      "%zz",
      "%0",
      "%00",
      "%0d%0aX:%20y",
      "#frag",
      "\\x",
      '<>"',
      "é",
      "\xff\xfe",
      "|^`{}",
      "\x7f",
      "\0",
      " x",
      "/a/../x",
      "/a/%2e%2e/",
      "?".repeat(50),
    ])),
  (draft, chance) =>
    void (draft.target += `/${chance.text(chance.pick([100, 4000, 8000, 17_000, 70_000]), "abc/%2f")}`),
  (draft, chance) =>
    void (draft.target = chance.pick([
      draft.target.slice(1),
      `//evil.test${draft.target}`,
      "*",
      `ftp://x${draft.target}`,
      `http:///${draft.target}`,
      `http://u:p@h${draft.target}`,
      `http://evil.test:1${draft.target}`,
      "?",
      "/",
      `http://[::1${draft.target}`,
    ])),
  // What comes behind, or does not.
  (draft, chance) =>
    void (draft.content += chance.pick([
      "\r\n",
      "\r\n\r\n",
      "x",
      "\0\0\0",
      "GET",
      "0\r\n\r\n",
      "G",
      "HTTP/1.1 200 OK\r\n\r\n",
    ])),
  (draft, chance) => void (draft.content = draft.content.slice(0, chance.between(0, draft.content.length))),
  (draft, chance) => {
    draft.content += chance.text(chance.between(1, 30));
    if (!draft.lines.some((line) => LENGTH.test(line) || CODING.test(line)))
      draft.lines.push(`Content-Length: ${draft.content.length}`);
  },
  // Values that parsers meet.
  (draft, chance) =>
    void draft.lines.push(
      `${chance.pick(["Cache-Control", "If-None-Match", "Range", "If-Modified-Since", "Accept-Encoding", "Connection", "CDN-Loop", "Via", "Expect", "If-Range", "Max-Forwards", "Accept-Language"])}: ${chance.text(chance.between(0, 300), 'a",=;\\/*-09 \tW bytesgzip\xe9')}.`,
    ),
  (draft, chance) =>
    void draft.lines.push(
      `${chance.pick(["Cache-Control", "If-None-Match", "Range", "Accept-Encoding", "Vary", "Connection"])}: ${chance.pick(['"', ",", ";", "\\", "a,", '"a"', "0-0,", 'a="']).repeat(chance.pick([10, 1000, 3500]))}`,
    ),
  (draft) => void draft.lines.push(`Range: bytes=${"0-,".repeat(4000)}0-`),
  (draft, chance) =>
    void draft.lines.push(
      chance.pick([
        "Expect: 200-ok",
        "Expect: 100-continue, x",
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings",
        "Connection: Content-Length, Host",
        "Connection: close, keep-alive",
      ]),
    ),
];

/** Changes one draft once. */
export function mutate(draft: Draft, chance: Chance): void {
  if (draft.lines.length > 0) chance.pick(STRUCTURAL)(draft, chance);
}
