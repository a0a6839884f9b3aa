// Answers: which Redis or Valkey does a URL mean?
// Owns: the forms of `--shared`: one server, Sentinel, Cluster, each with or without TLS.
// Leaves out: connecting to it (`connect.ts`).

/** A server, without or with brackets around an IPv6 address: without. */
export interface SharedHost {
  readonly host: string;
  readonly port: number;
}

/** What a URL says. */
export interface SharedUrl {
  readonly kind: "single" | "sentinel" | "cluster";
  readonly isSecure: boolean;
  /** At least one; of Sentinel the sentinels, of Cluster some of its nodes. */
  readonly hosts: readonly SharedHost[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Of Sentinel: what it calls the master; empty otherwise. */
  readonly masterName: string;
  /** 0 where nothing is said. */
  readonly db: number;
}

const KINDS: Readonly<Record<string, readonly [kind: SharedUrl["kind"], defaultPort: number]>> = {
  redis: ["single", 6379],
  "redis+sentinel": ["sentinel", 26_379],
  "redis+cluster": ["cluster", 6379],
};

const FORM = /^(redis|rediss)(\+sentinel|\+cluster)?:\/\/(?:([^@/?#\s]*)@)?([^@/?#\s]+)(?:\/([^?#\s]*))?$/i;
const HOST = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i;

/**
 * What the URL means; `undefined` where it is none: `redis://[user:pass@]host[:port][/db]`,
 * `redis+sentinel://host[:port],…/master-name[/db]`, `redis+cluster://host[:port],…`, and `rediss` for TLS. Never throws.
 */
export function parseSharedUrl(text: string): SharedUrl | undefined {
  const [, scheme = "", suffix = "", userinfo, authority = "", path = ""] = FORM.exec(text) ?? [];
  const [kind, defaultPort] = KINDS[`redis${suffix.toLowerCase()}`] ?? [];
  if (scheme === "" || kind === undefined || defaultPort === undefined) return undefined;
  const hosts = authority.split(",").map((host) => hostOf(host, defaultPort));
  const known = hosts.filter((host) => host !== undefined);
  const credentials = credentialsOf(userinfo);
  const place = placeOf(kind, path);
  if (known.length < hosts.length || credentials === undefined || place === undefined) return undefined;
  if (kind === "single" && hosts.length > 1) return undefined;
  return { kind, isSecure: scheme.toLowerCase() === "rediss", hosts: known, ...credentials, ...place };
}

function hostOf(text: string, defaultPort: number): SharedHost | undefined {
  const match = HOST.exec(text);
  if (match === null) return undefined;
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  return port > 0 && port < 65_536 ? { host: match[1] ?? match[2] ?? "", port } : undefined;
}

/** `user:pass`, `:pass`, or `pass` alone, as people write it. */
function credentialsOf(text: string | undefined): Pick<SharedUrl, "username" | "password"> | undefined {
  if (text === undefined || text === "") return { username: undefined, password: undefined };
  const colon = text.indexOf(":");
  try {
    const username = colon > 0 ? decodeURIComponent(text.slice(0, colon)) : undefined;
    return { username, password: decodeURIComponent(text.slice(colon + 1)) };
  } catch {
    return undefined;
  }
}

function placeOf(kind: SharedUrl["kind"], path: string): Pick<SharedUrl, "masterName" | "db"> | undefined {
  const pieces = path === "" ? [] : path.split("/");
  const masterName = kind === "sentinel" ? (pieces.shift() ?? "") : "";
  if (kind === "sentinel" && !/^[\w.-]+$/.test(masterName)) return undefined;
  const [db = "", ...rest] = pieces;
  if (rest.length > 0 || !/^\d{0,5}$/.test(db)) return undefined;
  // A cluster has no other.
  if (kind === "cluster" && Number(db) > 0) return undefined;
  return { masterName, db: Number(db) };
}
