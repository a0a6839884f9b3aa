// Answers: which function owns which section of RFC 9111, and where the house has a gap, a double or a slip.
// Owns: the table of sections from §3 to §5.4, and the reading of `@owns` in docstrings.
// Leaves out: reading the files and printing (`rfc.ts`). §5.2.4 is not in the table: the registry of cache
//   directives is IANA's business; nor is §5.5, whose Warning field is obsolete.

/** The sections that need an owner, with the RFC's titles. */
export const SECTIONS = [
  ["3", "Storing Responses in Caches"],
  ["3.1", "Storing Header and Trailer Fields"],
  ["3.2", "Updating Stored Header Fields"],
  ["3.3", "Storing Incomplete Responses"],
  ["3.4", "Combining Partial Content"],
  ["3.5", "Storing Responses to Authenticated Requests"],
  ["4", "Constructing Responses from Caches"],
  ["4.1", "Calculating Cache Keys with the Vary Header Field"],
  ["4.2", "Freshness"],
  ["4.2.1", "Calculating Freshness Lifetime"],
  ["4.2.2", "Calculating Heuristic Freshness"],
  ["4.2.3", "Calculating Age"],
  ["4.2.4", "Serving Stale Responses"],
  ["4.3", "Validation"],
  ["4.3.1", "Sending a Validation Request"],
  ["4.3.2", "Handling a Received Validation Request"],
  ["4.3.3", "Handling a Validation Response"],
  ["4.3.4", "Freshening Stored Responses upon Validation"],
  ["4.3.5", "Freshening Responses with HEAD"],
  ["4.4", "Invalidating Stored Responses"],
  ["5.1", "Age"],
  ["5.2", "Cache-Control"],
  ["5.2.1", "Request Directives"],
  ["5.2.1.1", "max-age"],
  ["5.2.1.2", "max-stale"],
  ["5.2.1.3", "min-fresh"],
  ["5.2.1.4", "no-cache"],
  ["5.2.1.5", "no-store"],
  ["5.2.1.6", "no-transform"],
  ["5.2.1.7", "only-if-cached"],
  ["5.2.2", "Response Directives"],
  ["5.2.2.1", "max-age"],
  ["5.2.2.2", "must-revalidate"],
  ["5.2.2.3", "must-understand"],
  ["5.2.2.4", "no-cache"],
  ["5.2.2.5", "no-store"],
  ["5.2.2.6", "no-transform"],
  ["5.2.2.7", "private"],
  ["5.2.2.8", "proxy-revalidate"],
  ["5.2.2.9", "public"],
  ["5.2.2.10", "s-maxage"],
  ["5.2.3", "Extension Directives"],
  ["5.3", "Expires"],
  ["5.4", "Pragma"],
] as const satisfies readonly (readonly [section: string, title: string])[];

const KNOWN: ReadonlySet<string> = new Set(SECTIONS.map(([section]) => section));

/** A file by its name, and what is in it. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

/** A section and what owns it: `file:function`, more than one where it is claimed twice. */
export interface OwnedSection {
  readonly section: string;
  readonly title: string;
  readonly owners: readonly string[];
}

/** The table, and one line for each thing that is wrong with it; none where it is whole. */
export interface Ownership {
  readonly sections: readonly OwnedSection[];
  readonly faults: readonly string[];
}

/** An `@owns` line; `owner` is `undefined` where no exported function follows it. */
interface Claim {
  readonly section: string;
  readonly where: string;
  readonly owner: string | undefined;
}

/** Who owns which section, by the docstrings of these sources. Pure; never throws. */
export function ownership(sources: readonly Source[]): Ownership {
  const claims = sources.flatMap(claimsOf);
  const owned = claims.filter(({ owner }) => owner !== undefined);
  const sections = SECTIONS.map(([section, title]) => ({
    section,
    title,
    owners: owned.filter((claim) => claim.section === section).map(({ owner }) => owner ?? ""),
  }));
  const strays = claims.flatMap(({ section, where, owner }) => [
    ...(KNOWN.has(section) ? [] : [`§${section}: unknown section, at ${where}`]),
    ...(owner === undefined ? [`§${section}: no exported function follows, at ${where}`] : []),
  ]);
  const faults = sections.flatMap(({ section, owners }) => {
    if (owners.length === 0) return [`§${section}: no owner`];
    return owners.length > 1 ? [`§${section}: ${owners.length} owners, ${owners.join(" and ")}`] : [];
  });
  return { sections, faults: [...faults, ...strays] };
}

/** The `@owns` lines in the docstrings of a file, each with the function that the docstring is about. */
function claimsOf({ file, text }: Source): Claim[] {
  return [...text.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\s*(?:export (?:async )?function (\w+))?/g)].flatMap(
    (docstring) => {
      const [whole, comment = "", name] = docstring;
      return [...comment.matchAll(/@owns([^\n]*)/g)].flatMap((tag) => {
        const line = text.slice(0, docstring.index + whole.indexOf(tag[0])).split("\n").length;
        return sectionsOf(tag[1] ?? "").map((section) => ({
          section,
          where: `${file}:${line}`,
          owner: name === undefined ? undefined : `${file}:${name}`,
        }));
      });
    },
  );
}

/** The section numbers behind `@owns`; what is no section number is kept, so that it is found to be unknown. */
function sectionsOf(listed: string): string[] {
  const words = listed.split(/[\s,]+/).filter((word) => word !== "");
  return words.length === 0 ? ["?"] : words.map((word) => word.replace(/^§/, ""));
}
