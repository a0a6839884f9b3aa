// Answers: what does the text of an option value mean?
// Owns: the claims about `lib/option-values.ts`: units, ranges, and what is not taken.
// Leaves out: where the text comes from (`options.test.ts`).
import { describe, expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import fc from "fast-check";
import * as values from "../lib/option-values.ts";
import type { OptionKind } from "../lib/options.ts";

const { bytes, count, milliseconds, oneOf, optionalHost, optionalPath, optionalText, originRoutes, workers } =
  values;
const { port, seconds, secondsOrAuto, share, text } = values;
const KB = 1024;

describe("each kind", () => {
  test.each<[name: string, kind: OptionKind<unknown>, taken: Record<string, unknown>]>([
    ["port", port, { "0": 0, "80": 80, "65535": 65_535, "00080": 80 }],
    [
      "bytes",
      bytes,
      { "0": 0, "1500": 1500, "1b": 1, "64KB": 64 * KB, "256mb": 256 * KB ** 2, "10Gb": 10 * KB ** 3 },
    ],
    ["bytes, the largest units", bytes, { "1TB": KB ** 4, "999999999999999": 999_999_999_999_999 }],
    [
      "seconds",
      seconds,
      { "0": 0, "90": 90, "90s": 90, "10m": 600, "2H": 7200, "7d": 604_800, "2147483648": 2 ** 31 },
    ],
    ["secondsOrAuto", secondsOrAuto, { auto: "auto", "90": 90, "1d": 86_400 }],
    [
      "addresses",
      values.addresses,
      {
        none: [],
        "192.0.2.7": [{ address: "192.0.2.7", prefix: 32 }],
        "10.0.0.0/8, ::1": [
          { address: "10.0.0.0", prefix: 8 },
          { address: "::1", prefix: 128 },
        ],
        "2001:db8::/32": [{ address: "2001:db8::", prefix: 32 }],
        loopback: [
          { address: "127.0.0.0", prefix: 8 },
          { address: "::1", prefix: 128 },
        ],
      },
    ],
    ["share", share, { "0": 0, "1": 1, "0.1": 0.1, "10%": 0.1, "100%": 1, "12.5%": 0.125 }],
    [
      "originRoutes",
      originRoutes,
      {
        "http://localhost:8000": [{ prefix: "/", origin: "http://localhost:8000" }],
        "http://LOCALHOST:8000/": [{ prefix: "/", origin: "http://localhost:8000" }],
        "https://example.com:443": [{ prefix: "/", origin: "https://example.com" }],
        "http://[::1]:3000": [{ prefix: "/", origin: "http://[::1]:3000" }],
        "/api/=http://a": [{ prefix: "/api", origin: "http://a" }],
        "http://a, /=http://b": [
          { prefix: "/", origin: "http://a" },
          { prefix: "/", origin: "http://b" },
        ],
      },
    ],
    ["milliseconds", milliseconds, { "0": 0, "2": 2000, "500ms": 500, "30S": 30_000, "24d": 2_073_600_000 }],
    ["count", count, { "0": 0, "7": 7, "1000000": 1_000_000 }],
    ["workers", workers, { "1": 1, "256": 256, auto: Math.min(256, availableParallelism()) }],
    ["optionalPath", optionalPath, { "": "", "/": "/", "/a/b?c=d": "/a/b?c=d" }],
    ["text", text, { a: "a", " ": " " }],
    ["optionalText", optionalText, { "": "", a: "a" }],
    [
      "optionalHost",
      optionalHost,
      { "": "", "Example.com": "example.com", "a:80": "a:80", "[::1]:80": "[::1]:80" },
    ],
    ["oneOf", oneOf("a", "b"), { a: "a", b: "b" }],
  ])("%s takes", (_, kind, taken) => {
    for (const [value, meaning] of Object.entries(taken))
      expect([value, kind.parse(value)]).toEqual([value, meaning]);
  });

  test.each<[name: string, kind: OptionKind<unknown>, refused: string[]]>([
    ["port", port, ["", "65536", "-1", "+1", "1.0", "8e3", "0x50", " 80", "80 ", "https", "000080", "٨٠"]],
    [
      "bytes",
      bytes,
      ["", "MB", "-1", "1.5MB", "1 MB", "1PB", "1KiB", "1k", "0x10", "9007199254740992", "9999999TB"],
    ],
    ["seconds", seconds, ["", "s", "-1", "1.5h", "1 h", "1w", "1y", "1ms", "2147483649", "1e3"]],
    ["secondsOrAuto", secondsOrAuto, ["", "Auto", "automatic", "-1"]],
    [
      "addresses",
      values.addresses,
      [
        "",
        "local",
        "1.2.3",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4.",
        "1.2.3.4/33",
        "::1/129",
        "::9:",
        ":::1",
        "1.2.3.4/",
        "a.test",
        "::1,",
        "None",
      ],
    ],
    ["share", share, ["", "%", "-0.1", "1.1", "101%", "10 %", "1e-1", ".5", "0.1.1", "NaN"]],
    [
      "originRoutes",
      originRoutes,
      ["", "localhost", "localhost:8000", "//localhost", "http://", "ftp://a", "file:///a"],
    ],
    [
      "originRoutes, more than an origin",
      originRoutes,
      ["http://a/b", "http://a?b", "http://a/?", "http://a#", "http://u@a"],
    ],
    [
      "originRoutes, more than one",
      originRoutes,
      ["http://u:p@a", "http://:p@a", "http://@a", "http://a:99999", "http://a b"],
    ],
    [
      "originRoutes, wrong prefixes and lists",
      originRoutes,
      [
        "api=http://a",
        "/api",
        "/a?b=http://a",
        "http://a,",
        "/a/../b=http://a",
        "/.=http://a",
        "/a b=http://a",
        "http://a,http://a",
        "/a=http://a,/a/=http://a",
      ],
    ],
    ["milliseconds", milliseconds, ["", "ms", "-1", "1.5s", "25d", "1us"]],
    ["count", count, ["", "-1", "1.0", "1000001", "ten"]],
    ["workers", workers, ["", "0", "-1", "1.5", "257", "all", "Auto"]],
    ["optionalPath", optionalPath, ["a", "//a", "/a b", "/a#b", "http://a/"]],
    ["text", text, [""]],
    [
      "optionalHost",
      optionalHost,
      ["a b", "http://a", "a/b", "a:b", "a:", "a\r\nb", "[::1", "a@b", "a,b", "a?b"],
    ],
    ["oneOf", oneOf("a", "b"), ["", "A", "c", "a ", "toString"]],
  ])("%s refuses", (_, kind, refused) => {
    for (const value of refused) expect([value, kind.parse(value)]).toEqual([value, undefined]);
  });

  test.each(Object.entries({ ...values, oneOf: oneOf("one", "two", "three") }))(
    "%s says what would be right, and never throws",
    (_, kind) => {
      expect(kind.expected).toMatch(/^expected \S/);
      expect(kind.expected).not.toContain("\n");
      fc.assert(fc.property(fc.string(), (value) => void kind.parse(value)));
    },
  );

  test("oneOf names its words", () => {
    expect(oneOf("one", "two", "three").expected).toBe("expected one, two or three");
    expect(oneOf("one", "two").expected).toBe("expected one or two");
  });
});

describe("laws", () => {
  const UNITS = { "": 1, b: 1, kb: KB, mb: KB ** 2, gb: KB ** 3, tb: KB ** 4 };

  test("bytes: a number and its unit multiply, in whatever letters", () => {
    const unit = fc.constantFrom(...Object.entries(UNITS));
    fc.assert(
      fc.property(fc.nat({ max: 8000 }), unit, fc.boolean(), (number, [name, factor], isUpper) => {
        expect(bytes.parse(`${number}${isUpper ? name.toUpperCase() : name}`)).toBe(number * factor);
      }),
    );
  });

  test("bytes and seconds: what is taken is a safe whole number, not negative", () => {
    const textOfUnit = fc.tuple(
      fc.bigInt({ min: 0n, max: 10n ** 18n }),
      fc.constantFrom("", "s", "d", "kb", "tb"),
    );
    fc.assert(
      fc.property(textOfUnit, ([number, unit]) => {
        for (const kind of [bytes, seconds]) {
          const value = kind.parse(`${number}${unit}`) ?? 0;
          expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
        }
      }),
    );
  });

  test("share: 0 to 1, and a percentage is a hundredth", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (percent) => {
        expect(share.parse(`${percent}%`)).toBeCloseTo(percent / 100, 9);
      }),
    );
  });
});
