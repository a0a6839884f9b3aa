// Answers: how stored responses are validated, and what a 304 or HEAD response makes of them.
// Owns: §4.3, §4.3.1, §4.3.3, §4.3.4, §4.3.5.
// Leaves out: the preconditions of clients (`preconditions.ts`), making the new stored response (`outcome.ts`).
import type { FieldLookup, StoredHead, StoredResponse, Validators } from "../message.ts";
import { parseEntityTag, stronglyEqual, weaklyEqual, weightedMembers } from "./syntax.ts";
import { completeLengthOf } from "./range.ts";
import { isOriginFailure } from "./stale.ts";

/** The precondition fields of a validation request; `undefined` where there is no validator for them. */
export interface ValidationFields {
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: string | undefined;
}

/** How many entity-tags of variants one validation offers at most. */
const MAX_OFFERED = 8;

/** The validators that a response carries. */
export function validatorsOf(fields: FieldLookup): Validators {
  return { etag: fields.get("etag") ?? undefined, lastModified: fields.get("last-modified") ?? undefined };
}

/**
 * Whether a stored response can be validated at all.
 * @owns §4.3
 */
export function canBeValidated(stored: Pick<StoredHead, "validators">): boolean {
  return stored.validators.etag !== undefined || stored.validators.lastModified !== undefined;
}

/**
 * The precondition fields for the nominated responses: all their entity-tags, and the Last-Modified of a single one.
 * @owns §4.3.1
 */
export function validationFields(nominated: readonly StoredResponse[]): ValidationFields {
  const tags = new Set(nominated.flatMap(({ validators }) => validators.etag ?? []));
  const only = nominated.length === 1 ? nominated[0] : undefined;
  return {
    ifNoneMatch: tags.size === 0 ? undefined : [...tags].join(", "),
    ifModifiedSince: only?.validators.lastModified,
  };
}

/**
 * The variants whose entity-tags are worth offering when none fits the request's selecting header fields (§4.3.1): only
 * strong ones, and only codings that this client accepts, since some origins give two codings the same strong tag.
 */
export function variantsToOffer(variants: readonly StoredResponse[], request: FieldLookup): StoredResponse[] {
  return variants.filter((variant) => mayOffer(variant, request)).slice(0, MAX_OFFERED);
}

function mayOffer(variant: StoredResponse, request: FieldLookup): boolean {
  const { etag } = variant.validators;
  if (variant.body.kind === "partial" || etag === undefined || !/^"[^"]*"$/.test(etag)) return false;
  const coding = variant.fields.get("content-encoding")?.toLowerCase() ?? "identity";
  const accepted = weightedMembers((request.get("accept-encoding") ?? "").toLowerCase());
  const weight = accepted.find(({ range }) => range === coding)?.weight;
  return weight === undefined ? coding === "identity" : weight > 0;
}

/**
 * What a response to a validation request says: the stored response may go on, the origin has failed, or this is the
 * new full response.
 * @owns §4.3.3
 */
export function validationResult(status: number): "not-modified" | "failed" | "full" {
  if (status === 304) return "not-modified";
  return isOriginFailure(status) ? "failed" : "full";
}

/**
 * The nominated response that a 304 is about; `undefined` where it is about none of them.
 * With a strong entity-tag it is the one that has it; with a weak one the most recent that has it, or that has the
 * Last-Modified.
 * Deviation: §4.3.4 leaves out a 304 that carries none of the validators that the stored response has. Many origins send
 * no Last-Modified with it; where only one response was nominated, it cannot be about another.
 * @owns §4.3.4
 */
export function freshenedBy(
  update: FieldLookup,
  nominated: readonly StoredResponse[],
): StoredResponse | undefined {
  const { etag, lastModified } = validatorsOf(update);
  const tag = etag === undefined ? undefined : parseEntityTag(etag);
  if (tag !== undefined) {
    const equal = tag.weak ? weaklyEqual : stronglyEqual;
    const named = nominated.filter(({ validators }) => equal(tag, parseEntityTag(validators.etag ?? "")));
    if (named.length > 0 || !tag.weak) return latest(named);
  }
  if (lastModified !== undefined) {
    return latest(nominated.filter(({ validators }) => validators.lastModified === lastModified));
  }
  const [only, ...others] = nominated;
  return tag === undefined && others.length === 0 ? only : undefined;
}

function latest(stored: readonly StoredResponse[]): StoredResponse | undefined {
  return stored.toSorted((one, other) => other.dateValue - one.dateValue)[0];
}

/**
 * What a 200 response to HEAD means for a stored GET response: its fields are updated where it is a 200 as well, and
 * validators and length, as far as the HEAD response has them, are the same; else it is no longer what the origin has.
 * @owns §4.3.5
 */
export function headVerdict(update: FieldLookup, stored: StoredResponse): "update" | "invalidate" {
  const { etag, lastModified } = validatorsOf(update);
  const length = update.get("content-length");
  const storedLength = completeLengthOf(stored.body);
  const differs =
    (stored.status !== 200 && stored.status !== 206) ||
    (etag !== undefined && etag !== stored.validators.etag) ||
    (lastModified !== undefined && lastModified !== stored.validators.lastModified) ||
    (length !== null && storedLength !== undefined && length !== String(storedLength));
  return differs ? "invalidate" : "update";
}
