// Answers: what Larder does where a `check` case only asks, and why.
// Owns: one row a case: whether the case's expectations hold, and the reason with its section.
// Leaves out: whether it is so (judge.ts); an answer that differs is printed, never counted as failed.

export type CheckAnswer = { readonly answer: boolean; readonly why: string };

const yes = (why: string): CheckAnswer => ({ answer: true, why });
const no = (why: string): CheckAnswer => ({ answer: false, why });

const firstOfTwo =
  "Of a directive given twice the first counts, on one line or on two, which are the same list (§4.2.1, RFC 9110 §5.3).";
const spacedEquals =
  "A directive has no space around its `=`, so this max-age is invalid, and invalid freshness information means stale (§5.2, §4.2.1).";
const notAnInteger =
  "max-age takes non-negative whole seconds; a value with anything else in it is invalid, hence stale (§1.2.2, §4.2.1).";
const invalidAge =
  "Age is a bare non-negative integer without parameters; an invalid one is ignored, so that max-age alone counts (§5.1).";
const noWarning =
  "Warning is obsolete, a cache generates none; Age and Cache-Status tell the same (§5.5, RFC 9211).";
const staleOnError =
  "Nothing in the response forbids it, and a stale response says more than an error: it is served within the option's bound (§4.2.4, RFC 5861 §4).";
const heuristic =
  "Without explicit freshness a tenth of the time since Last-Modified counts, at most a day, and that is longer than the pause (§4.2.2).";
const pragma =
  "Pragma is deprecated and was never defined for responses; Cache-Control and the heuristic decide alone (§5.4).";
const freshened = "A 304 updates every stored field that it brings, this one too (§4.3.4, §3.2).";
const notFreshened =
  "This field describes the stored bytes, which a 304 does not replace, so the stored one stays (§3.2, §4.3.4).";
const location =
  "After a successful unsafe request the URIs in Location and Content-Location are invalidated where they have the same origin (§4.4).";
const disposition =
  "Content-Disposition is about what the user does with the content and has no part in freshness (RFC 6266 §4, §4.2).";

const coldKey =
  "On a key without stored response the request goes out unconditional, so that the answer can be stored for everybody; the cache evaluates the precondition itself (§4.3.2).";

const rows: Record<string, CheckAnswer> = {
  "freshness-none": yes(
    "Reuse without freshness information needs a heuristic, and ours starts from Last-Modified, which is absent (§4.2.2).",
  ),

  "freshness-max-age-two-fresh-stale-sameline": yes(firstOfTwo),
  "freshness-max-age-two-fresh-stale-sepline": yes(firstOfTwo),
  "freshness-max-age-two-stale-fresh-sameline": no(firstOfTwo),
  "freshness-max-age-quoted": yes(
    "Recipients ought to accept an argument both as token and as quoted-string (§5.2).",
  ),
  "freshness-max-age-space-before-equals": yes(spacedEquals),
  "freshness-max-age-space-after-equals": yes(spacedEquals),
  "freshness-max-age-decimal-five": no(notAnInteger),
  "freshness-max-age-a100": no(notAnInteger),
  "freshness-max-age-100a": no(notAnInteger),

  "age-parse-parameter": no(invalidAge),
  "age-parse-numeric-parameter": no(invalidAge),

  "headers-omit-headers-listed-in-Cache-Control-no-cache-single": yes(
    "no-cache with a list of fields lets the response be reused without them, so those fields are not stored (§5.2.2.4, §3.1).",
  ),

  "stale-close": yes(staleOnError),
  "stale-503": yes(staleOnError),
  "stale-sie-503": yes(
    "stale-if-error=60 allows exactly this: a 503 within 60 seconds of staleness (RFC 5861 §4).",
  ),
  "stale-warning-stored": no(noWarning),
  "stale-warning-become": no(noWarning),

  "heuristic-delta-60": yes(heuristic),
  "heuristic-delta-300": yes(heuristic),
  "heuristic-delta-600": yes(heuristic),
  "heuristic-delta-1200": yes(heuristic),
  "heuristic-delta-1800": yes(heuristic),
  "heuristic-delta-3600": yes(heuristic),
  "heuristic-delta-43200": yes(heuristic),
  "heuristic-delta-86400": yes(heuristic),

  "ccreq-ma1": yes("A client that wants nothing older than a second does not get it (§5.2.1.1)."),
  "ccreq-max-stale-age": yes(
    "The client accepts 1000 seconds of staleness, the response has 500, and nothing in it forbids that (§5.2.1.2, §4.2.4).",
  ),
  "ccreq-no-cache": yes("The client prefers not to be answered without validation (§5.2.1.4)."),
  "ccreq-no-cache-lm": yes(
    "no-cache asks for validation, not for a full transfer: Last-Modified goes out as If-Modified-Since (§5.2.1.4, §4.3.1).",
  ),
  "ccreq-no-cache-etag": yes(
    "no-cache asks for validation, not for a full transfer: the ETag goes out as If-None-Match (§5.2.1.4, §4.3.1).",
  ),
  "ccreq-no-store": no(
    "no-store in a request keeps this request and its response out of the store; it does not apply to what is stored already (§5.2.1.5).",
  ),
  "ccreq-oic": yes("Without a stored response only-if-cached is answered with 504 (§5.2.1.7)."),

  "pragma-request-no-cache": yes(
    "Pragma is deprecated and ignored; and the request has Cache-Control, beside which it never counted (§5.4).",
  ),
  "pragma-response-no-cache": yes(pragma),
  "pragma-response-no-cache-heuristic": yes(pragma),
  "pragma-response-extension": yes(pragma),

  "conditional-etag-strong-respond-obs-text": yes(
    "obs-text is opaque data, compared byte by byte and sent back as it came (RFC 9110 §5.5, §8.8.3).",
  ),
  "conditional-etag-quoted-respond-unquoted": no(
    "Entity-tags are opaque and the quotes belong to them: a tag without quotes never equals one with (RFC 9110 §8.8.3, §8.8.3.2).",
  ),
  "conditional-etag-unquoted-respond-unquoted": yes(
    "Both are malformed but the same octets, and what the origin sent once it will know again (RFC 9110 §8.8.3.2, §13.1.2).",
  ),
  "conditional-etag-unquoted-respond-quoted": no(
    "Entity-tags are opaque and the quotes belong to them: a tag with quotes never equals one without (RFC 9110 §8.8.3, §8.8.3.2).",
  ),
  "conditional-etag-vary-headers-mismatch": yes(
    "The origin may select one of the stored variants, so its entity-tags go out with the request that matches none (§4.1, §4.3.1).",
  ),
  "conditional-etag-forward": no(coldKey),
  "conditional-etag-forward-unquoted": no(
    "It is not forwarded on a cold key, and where it is forwarded, it goes out as the client wrote it (§4.3.2, RFC 9110 §13.1.2).",
  ),

  "304-etag-update-response-Content-Encoding": no(notFreshened),
  "304-etag-update-response-Content-Location": yes(freshened),
  "304-etag-update-response-Content-MD5": yes(freshened),
  "304-etag-update-response-Content-Range": no(notFreshened),
  "304-etag-update-response-Content-Security-Policy": yes(freshened),
  "304-etag-update-response-Clear-Site-Data": yes(freshened),
  "304-etag-update-response-Public-Key-Pins": yes(freshened),
  "304-etag-update-response-Set-Cookie2": yes(freshened),
  "304-etag-update-response-X-XSS-Protection": yes(freshened),

  "head-writethrough": yes(
    "A stale response cannot answer, and the method that the client chose is the one to forward (§4, §4.3.5).",
  ),
  "head-200-freshness-update": yes(
    "A 200 to HEAD whose validators and Content-Length agree freshens the stored GET response (§4.3.5).",
  ),
  "head-200-update": yes(
    "A 200 to HEAD updates the fields of the stored GET response as a 304 does (§4.3.5, §3.2).",
  ),
  "head-410-update": no("Only a 200 to HEAD updates the stored GET response (§4.3.5)."),

  "invalidate-DELETE-location": yes(location),
  "invalidate-M-SEARCH-location": yes(location),
  "invalidate-PUT-cl": yes(location),
  "invalidate-M-SEARCH-cl": yes(location),

  "other-heuristic-content-disposition-attachment": yes(disposition),
  "other-fresh-content-disposition-attachment": yes(disposition),

  "cdn-max-age-case-insensitive": no(
    "The field is a Dictionary, whose keys are lower-case; one that does not parse is ignored, and then nothing makes the response fresh (RFC 9213 §2.1, RFC 8941 §3.1.2).",
  ),
  "cdn-remove-header": yes("It is passed on, so that CDNs further down can use it too (RFC 9213 §3)."),
  "cdn-remove-age-exceed": yes(
    "Every reused response carries its Age; caches further down need the truth more than a hit (§5.1, RFC 9213 §2.3).",
  ),
  "cdn-expires-update-exceed": yes(
    "Expires belongs to the origin and stays as sent; rewriting it is optional and would hide the age (§5.3, RFC 9213 §2.3).",
  ),
};

/** The answer for each `check` case, by the id of the case. */
export const checkAnswers: ReadonlyMap<string, CheckAnswer> = new Map(Object.entries(rows));
