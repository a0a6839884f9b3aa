// Answers: what can go wrong that is nobody's protocol message, and whose fault it is.
// Owns: the error classes of Larder; none of them is ever thrown because of odd input from the wire.
// Leaves out: the pages that a client sees (`respond.ts`), the lines that are logged (`log.ts`).

/** Base of all errors that Larder throws itself; `code` is stable and meant for logs and tests. */
export class CacheError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
  }
}

/** Statuses of those that are no Bad Gateway. */
const STATUSES: Partial<Readonly<Record<OriginErrorCode, 404 | 503 | 504 | 508>>> = {
  "no-origin": 404,
  "origin-busy": 503,
  "origin-timeout": 504,
  loop: 508,
};

/** Why an origin gave no usable response, with the status that tells a client (RFC 9110 §15.6.3, §15.6.5). */
export class OriginError extends CacheError {
  readonly status: 404 | 502 | 503 | 504 | 508;
  /** Which origin it was, as it was named; `undefined` where it does not matter. */
  origin: string | undefined;
  /** The status that the origin answered with, where it answered at all. */
  readonly answered: number | undefined;
  /** Whether another try has been made already: by another worker. */
  readonly isFinal: boolean = false;

  constructor(code: OriginErrorCode, message: string, cause?: unknown, answered?: number) {
    super(code, message, cause);
    this.answered = answered;
    this.status = STATUSES[code] ?? 502;
  }
}

/** The error for a status that a stored response was to cover. */
export function originFailed(status: number): OriginError {
  return new OriginError("origin-failed", `the origin answered ${status}`, undefined, status);
}

/** The error for a request for which there is neither a place at the origin nor one in the queue. */
export function originBusy(origin: string): OriginError {
  const error = new OriginError("origin-busy", "as many requests as may be are under way to it, or wait");
  error.origin = origin;
  return error;
}

/** The error for a request to an origin whose breaker is open. */
export function originLeftAlone(origin: string | undefined): OriginError {
  const error = new OriginError(
    "breaker-open",
    "it failed several times in a row and is left alone for a moment",
  );
  error.origin = origin;
  return error;
}

/** The error for a request that nobody waits for any more. */
export function clientLeft(): OriginError {
  return new OriginError("origin-incomplete", "the client has left");
}

/** The closed set of reasons for an `OriginError`. */
export type OriginErrorCode =
  /** No connection, or it broke before the header section was complete. */
  | "origin-unreachable"
  /** It answered with an error that a stored response was to cover. */
  | "origin-failed"
  /** Nothing came within the deadline. */
  | "origin-timeout"
  /** What came is not an HTTP response that may be passed on. */
  | "origin-malformed"
  /** The body broke off before its end. */
  | "origin-incomplete"
  /** The body is not what its digest says (RFC 9530). */
  | "origin-corrupt"
  /** As many requests are under way to it as may be, and as many wait. */
  | "origin-busy"
  /** It failed too often in a row, and is left alone for a moment. */
  | "breaker-open"
  /** No origin is given for such a path. */
  | "no-origin"
  /** The request has passed this cache before (RFC 8586). */
  | "loop";

/** Something a person typed is wrong: what, where, and what would be right. Ends the start with exit code 2. */
export class ConfigError extends CacheError {
  readonly option: string;
  readonly value: string;
  readonly expected: string;

  constructor(option: string, value: string, expected: string) {
    // One line, whatever was typed.
    const where = option.replaceAll(/[\x00-\x1f\x7f]/g, "?");
    super(
      "config",
      value === "" ? `${where}: ${expected}` : `${where} ${JSON.stringify(value)}: ${expected}`,
    );
    this.option = option;
    this.value = value;
    this.expected = expected;
  }
}
