// Answers: what a stored response is in memory.
// Owns: its compact form: one object, its header fields one text.
// Leaves out: where it is kept and for how long (`memory.ts`, `eviction.ts`).
import type { Memo, StoredBody, StoredFields, StoredHead, StoredResponse, Validators } from "../message.ts";
import { deltaSeconds, type DeltaSeconds, type EpochSeconds } from "../rfc9111/time.ts";
import { FieldBlock } from "./field-block.ts";

/** A stored response. A class, so that all of it lies in one piece; what a hit looks at comes first. */
export class StoredRecord implements StoredResponse {
  readonly selecting: StoredHead["selecting"];
  readonly directives: StoredHead["directives"];
  readonly body: StoredBody;
  readonly bornAt: StoredHead["bornAt"];
  staleAt: StoredHead["staleAt"];
  isPurged: boolean;
  memo: Memo | undefined = undefined;
  /** Belongs to `eviction.ts`. */
  slot = -1;
  readonly dateValue: StoredHead["dateValue"];
  readonly status: number;
  readonly reason: string | undefined;
  readonly fields: StoredFields;
  readonly key: string;
  readonly responseTime: StoredHead["responseTime"];
  readonly lifetimeSource: StoredHead["lifetimeSource"];
  readonly sizeBytes: number;

  constructor(head: StoredHead, text: string, body: StoredBody, sizeBytes: number) {
    this.selecting = head.selecting;
    this.directives = head.directives;
    this.body = body;
    this.bornAt = head.bornAt;
    this.staleAt = head.staleAt;
    this.isPurged = head.isPurged === true;
    this.dateValue = head.dateValue;
    this.status = head.status;
    this.reason = head.reason;
    this.fields = new FieldBlock(text);
    this.key = head.key;
    this.responseTime = head.responseTime;
    this.lifetimeSource = head.lifetimeSource;
    this.sizeBytes = sizeBytes;
  }

  /** Marks it as softly purged: the one change that is made in place, since it is made to a hundred thousand at a time. */
  purge(now: EpochSeconds): void {
    this.isPurged = true;
    if (this.staleAt > now) this.staleAt = now;
  }

  /** Read from the text when they are asked for, which is seldom: two texts less for each stored response. */
  get validators(): Validators {
    return new KeptValidators(this.fields);
  }

  get lifetime(): DeltaSeconds {
    return deltaSeconds(this.staleAt - this.bornAt);
  }
}

class KeptValidators implements Validators {
  readonly #fields: StoredFields;

  constructor(fields: StoredFields) {
    this.#fields = fields;
  }

  get etag(): string | undefined {
    return this.#fields.get("etag") ?? undefined;
  }

  get lastModified(): string | undefined {
    return this.#fields.get("last-modified") ?? undefined;
  }
}
