// Answers: which header fields of a client the origin must not see, because frameworks take them for the request itself.
// Owns: the table of fields that stand for target, host, scheme, port or method and are in no cache key; who believes them.
// Leaves out: what a gateway says in their place (`forward.ts`, `relay.ts`), fields for one connection (`header-fields.ts`).

import { remembering } from "./rfc9111/memo.ts";

/** What a framework takes a field for. */
export type BelievedAs = "target" | "host" | "scheme" | "port" | "method" | "proxy";

/** A field and what it is believed as; `sources` says by whom, so that a row can be checked and argued with. */
export interface BelievedField {
  readonly name: string;
  readonly as: BelievedAs;
  readonly sources: string;
}

/**
 * One client could have a response made for another request, and all would get it from the store (cache poisoning: the
 * field is not in the cache key). What a gateway may say, Larder says itself: X-Forwarded-Host, -Proto and -For.
 */
export const BELIEVED_FIELDS: readonly BelievedField[] = [
  row("x-original-url", "target", "IIS URL Rewrite, Zend/Laminas, Symfony until CVE-2018-14773, Drupal"),
  row("x-rewrite-url", "target", "Yii 2, ISAPI Rewrite, Zend/Laminas, Symfony until CVE-2018-14773"),
  row("x-original-uri", "target", "applications behind auth_request of nginx and ingress-nginx"),
  row("x-forwarded-uri", "target", "applications behind forwardAuth of Traefik and Caddy"),
  row("x-envoy-original-path", "target", "applications behind Envoy"),
  row("x-forwarded-path", "target", "applications behind Kong"),
  row("x-forwarded-prefix", "target", "Symfony and Laravel, Spring, Werkzeug, Kong"),
  row("x-script-name", "target", "WSGI middleware that sets SCRIPT_NAME"),
  row("x-matched-path", "target", "Next.js"),
  row("x-invoke-path", "target", "Next.js until 14"),
  row("x-middleware-subrequest", "target", "Next.js until CVE-2025-29927: skips the middleware"),
  row("forwarded", "host", "RFC 7239: Rack, Symfony and Laravel, Spring; host, proto and by in one field"),
  row(
    "x-forwarded-host",
    "host",
    "Rack, Django (USE_X_FORWARDED_HOST), Symfony, Spring, Express, ASP.NET Core",
  ),
  row("x-forwarded-server", "host", "applications behind mod_proxy"),
  row("x-original-host", "host", "ASP.NET Core's ForwardedHeaders, Azure Application Gateway"),
  row("x-host", "host", "older PHP applications"),
  row("x-http-host-override", "host", "Google's App Engine and Apps Script front ends"),
  row("x-envoy-original-host", "host", "applications behind Envoy"),
  row("x-forwarded-proto", "scheme", "Rack, Django, Symfony, Spring, Express, ASP.NET Core"),
  row("x-forwarded-scheme", "scheme", "Rack: another value than the real scheme makes redirects"),
  row("x-forwarded-protocol", "scheme", "gunicorn's secure_scheme_headers"),
  row("x-forwarded-ssl", "scheme", "Rack, Spring, gunicorn"),
  row("x-original-proto", "scheme", "ASP.NET Core's ForwardedHeaders"),
  row("x-scheme", "scheme", "applications behind ingress-nginx"),
  row("x-url-scheme", "scheme", "PHP and WSGI middleware"),
  row("front-end-https", "scheme", "IIS behind ISA and TMG, PHP applications"),
  row("x-forwarded-port", "port", "Rack, Django (USE_X_FORWARDED_PORT), Symfony, Spring, Werkzeug"),
  row(
    "x-http-method-override",
    "method",
    "Rack, Symfony, method-override, ASP.NET Core; on any method Yii 2",
  ),
  row("x-http-method", "method", "method-override, OData services"),
  row("x-method-override", "method", "method-override"),
  row("x-original-method", "method", "applications behind auth_request of nginx and ingress-nginx"),
  row("x-forwarded-method", "method", "applications behind forwardAuth of Traefik and Caddy"),
  row("proxy", "proxy", "CGI makes HTTP_PROXY of it, which clients in the application obey (CVE-2016-5385)"),
];

/** Fields that Larder sets or adds to: only other spellings of them are a client's attempt. */
const SAID_BY_GATEWAY = new Set(["x-forwarded-for", "cdn-loop", "via"]);

const BY_NAME = new Map(BELIEVED_FIELDS.map((one) => [one.name, one]));

/**
 * Takes the believed fields out of a request that is to be forwarded. CGI, WSGI and Rack make one name of `X_Host` and
 * `X-Host`, so every spelling counts. POST keeps the method fields: tunnelling a method through it is what they are
 * for, and the response to POST is not stored for GET unless it says so. Never throws.
 */
export function withoutBelieved(fields: Headers, method: string): void {
  for (const name of [...fields.keys()]) {
    const verdict = verdictOn(name);
    if (verdict === "out" || (verdict === "tunnel" && method !== "POST")) fields.delete(name);
  }
}

/** Whether a field goes along: always, never, or with POST only. */
const verdictOn = remembering((name): "along" | "out" | "tunnel" => {
  const meant = name.replaceAll(/[^a-z0-9]/g, "-");
  const believed = BY_NAME.get(meant);
  if (believed === undefined) return name !== meant && SAID_BY_GATEWAY.has(meant) ? "out" : "along";
  return believed.as === "method" && name === meant ? "tunnel" : "out";
});

function row(name: string, as: BelievedAs, sources: string): BelievedField {
  return { name, as, sources };
}
