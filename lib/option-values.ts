// Answers: what a typed option value means, or in one line what would be right.
// Owns: the value kinds of the option table and their units.
// Leaves out: which options there are (`option-tables.ts`) and where values come from (`options.ts`).
import { availableParallelism } from "node:os";
import type { OptionKind } from "./options.ts";
import { parseSharedUrl } from "./shared/url.ts";

const BYTE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 2 ** 10,
  mb: 2 ** 20,
  gb: 2 ** 30,
  tb: 2 ** 40,
};
const SECOND_UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400 };
const MILLISECOND_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A TCP port, 0 to 65535; 0 means any free one. */
export const port: OptionKind<number> = {
  expected: "expected a port from 0 to 65535",
  parse: (text) => (/^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined),
};

/** A size in bytes: `1500`, `64KB`, `256MB`, `10GB`; a unit is a power of 1024. At most 15 digits, and 2^53 bytes. */
export const bytes: OptionKind<number> = {
  expected: "expected a size such as 64KB, 256MB or 10GB",
  parse: (text) => withUnit(text, BYTE_UNITS),
};

/** A size in bytes as `bytes` takes it, from 16 MB on: less holds nothing but the structure of a file. */
export const fileBytes: OptionKind<number> = {
  expected: "expected a size of at least 16MB, such as 512MB or 10GB",
  parse(text) {
    const value = bytes.parse(text);
    return value !== undefined && value >= 2 ** 24 ? value : undefined;
  },
};

/** A span in whole seconds: `90`, `90s`, `10m`, `2h`, `7d`. Range 0 to 2^31. */
export const seconds: OptionKind<number> = {
  expected: "expected a time such as 30s, 10m, 2h or 7d, at most 2^31 seconds",
  parse(text) {
    const value = withUnit(text, SECOND_UNITS);
    return value !== undefined && value <= 2 ** 31 ? value : undefined;
  },
};

/** A span in milliseconds: `500ms`, or a span as `seconds` takes it. Range 0 to 2^31 ms, as timers have it. */
export const milliseconds: OptionKind<number> = {
  expected: "expected a time such as 500ms, 30s or 10m, at most 24 days",
  parse(text) {
    const value = withUnit(/^\d+$/.test(text) ? `${text}s` : text, MILLISECOND_UNITS);
    return value !== undefined && value < 2 ** 31 ? value : undefined;
  },
};

/** A count, 0 to 1,000,000. */
export const count: OptionKind<number> = {
  expected: "expected a number from 0 to 1000000",
  parse: (text) => (/^\d{1,7}$/.test(text) && Number(text) <= 1_000_000 ? Number(text) : undefined),
};

/** A TCP port, or the word `off`, or `auto`. */
export const portOrOff: OptionKind<number | "off" | "auto"> = {
  expected: `${port.expected}, or off, or auto`,
  parse: (text) => (text === "off" || text === "auto" ? text : port.parse(text)),
};

/** A number of processes, 1 to 256, or the word `auto`: as many as there are cores. */
export const workers: OptionKind<number> = {
  expected: "expected a number from 1 to 256, or auto",
  parse(text) {
    if (text === "auto") return Math.min(256, availableParallelism());
    return /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 256 ? Number(text) : undefined;
  },
};

/** A span in whole seconds, or the word `auto`. */
export const secondsOrAuto: OptionKind<number | "auto"> = {
  expected: `${seconds.expected}, or auto`,
  parse: (text) => (text === "auto" ? "auto" : seconds.parse(text)),
};

/** A share from 0 to 1: `0.1` or `10%`. */
export const share: OptionKind<number> = {
  expected: "expected a share such as 0.1 or 10%",
  parse(text) {
    const match = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text);
    if (match === null) return undefined;
    const value = Number(match[1]) / (match[2] === "%" ? 100 : 1);
    return value <= 1 ? value : undefined;
  },
};

/** Origins, each for the paths that start with its prefix. */
export interface OriginRoute {
  /** `/`, or a path that the request's path equals or goes on from with a `/`. */
  readonly prefix: string;
  /** Scheme, host and port, such as `http://localhost:8000`. */
  readonly origin: string;
}

/**
 * One origin, or several separated by commas: `http://a:1,http://b:1,/api=http://c:1`. Those of one prefix are a pool.
 * An origin is `http://host:port` or `https://host:port`, without path, user or query.
 */
export const originRoutes: OptionKind<readonly OriginRoute[]> = {
  expected:
    "expected scheme, host and port only, such as http://localhost:8000 or /api=http://localhost:8000",
  parse(text) {
    const routes = text.split(",").map((one) => originRoute(one.trim()));
    const isOnce = new Set(routes.map((route) => JSON.stringify(route))).size === routes.length;
    return isOnce && routes.every((route) => route !== undefined) ? routes : undefined;
  },
};

function originRoute(text: string): OriginRoute | undefined {
  const [, prefix = "/", address = ""] = /^(?:(\/[^=?#%]*)=)?(.*)$/s.exec(text) ?? [];
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.host === "") return undefined;
  const bare = url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (!bare || url.password !== "" || /[?#@]/.test(address)) return undefined;
  // As a raw path can have it, or no request would ever come.
  if (!/^[\x21-\x7e]*$/.test(prefix) || /[\\"<>]|\/(?:\.|%2e){1,2}(?:\/|$)/i.test(prefix)) return undefined;
  return { prefix: prefix === "/" ? prefix : prefix.replace(/\/+$/, "") || "/", origin: url.origin };
}

/** A range of addresses, such as 10.0.0.0 and all that have its first 8 bits. */
export interface AddressRange {
  readonly address: string;
  readonly prefix: number;
}

/** Those of this machine: 127.0.0.0/8 (RFC 1122 §3.2.1.3) and ::1 (RFC 4291 §2.5.3). */
const LOOPBACK: readonly AddressRange[] = [
  { address: "127.0.0.0", prefix: 8 },
  { address: "::1", prefix: 128 },
];

/** Addresses and ranges of them, separated by commas: `10.0.0.0/8,2001:db8::7,loopback`; `none` for none. */
export const addresses: OptionKind<readonly AddressRange[]> = {
  expected: "expected addresses such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32, or loopback, or none",
  parse(text) {
    if (text === "none") return [];
    const ranges = text
      .split(",")
      .map((one) => (one.trim() === "loopback" ? LOOPBACK : addressRange(one.trim())));
    return ranges.every((range) => range !== undefined) ? ranges.flat() : undefined;
  },
};

function addressRange(text: string): readonly AddressRange[] | undefined {
  const [, address = "", bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const isV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(address);
  if (!isV4 && !isV6(address)) return undefined;
  const most = isV4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  return prefix <= most ? [{ address, prefix }] : undefined;
}

/** `URL` overlooks a colon at the end. */
function isV6(text: string): boolean {
  const hasEnds = /^(?:::|[\da-f]+:)[\da-f:.]*$/i.test(text) && /(?:::|[\da-f])$/i.test(text);
  return hasEnds && URL.canParse(`http://[${text}]/`);
}

/** Any text that is not empty. */
export const text: OptionKind<string> = {
  expected: "expected a value that is not empty",
  parse: (value) => (value === "" ? undefined : value),
};

/** Any text; empty means that the option is off. */
export const optionalText: OptionKind<string> = {
  expected: "expected a text",
  parse: (value) => value,
};

/** What is sent in a header field: letters, digits and signs, or empty for none. */
export const optionalToken: OptionKind<string> = {
  isSecret: true,
  expected: "expected letters, digits and signs without a space",
  parse: (value) => (/^[\x21-\x7e]*$/.test(value) ? value : undefined),
};

/** A folder, or empty for none. */
export const optionalFolder: OptionKind<string> = {
  expected: "expected a folder",
  parse: (value) => (value.includes("\0") ? undefined : value),
};

/** Where Valkey or Redis is, or empty for none. */
export const optionalSharedUrl: OptionKind<string> = {
  expected:
    "expected redis://[USER:PASSWORD@]HOST:PORT (percent-encoded), redis+sentinel://HOST:PORT,…/MASTER or redis+cluster://HOST:PORT,…, or rediss for TLS",
  isSecret: true,
  parse: (value) => (value === "" || parseSharedUrl(value) !== undefined ? value : undefined),
};

/** A path that starts with `/`, with or without a query, or empty for none. */
export const optionalPath: OptionKind<string> = {
  expected: "expected a path such as /health",
  parse: (value) => (value === "" || /^\/(?!\/)[\x21-\x22\x24-\x7e]*$/.test(value) ? value : undefined),
};

/** A `host` or `host:port` for a Host header field, or empty for none. */
export const optionalHost: OptionKind<string> = {
  expected: "expected a host name such as example.com or example.com:8080",
  parse: (value) =>
    /^(?:[\w.-]+|\[[0-9a-fA-F:.]+\])?(?::\d{1,5})?$/.test(value) ? value.toLowerCase() : undefined,
};

/** One of a closed list of words. */
export function oneOf<const T extends string>(...words: readonly T[]): OptionKind<T> {
  return {
    expected: `expected ${words.join(", ").replace(/, ([^,]*)$/, " or $1")}`,
    parse: (value) => words.find((word) => word === value),
  };
}

function withUnit(value: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,15})([a-z]{0,2})$/.exec(value.toLowerCase());
  if (match === null) return undefined;
  const factor = match[2] === "" ? 1 : units[match[2] ?? ""];
  if (factor === undefined) return undefined;
  const result = Number(match[1]) * factor;
  return Number.isSafeInteger(result) ? result : undefined;
}
