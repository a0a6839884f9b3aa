// Answers: what a stored response is in memory.
// Owns: its compact form: one object, its header fields one text.
// Leaves out: where it is kept and for how long (`memory.ts`, `eviction.ts`).
import type { Memo, StoredBody, StoredHead, StoredResponse } from "../message.ts";
import type { FieldBlock } from "./field-block.ts";

/** A stored response. A class, so that all of it lies in one piece; what a hit looks at comes first. */
export class StoredRecord implements StoredResponse {
  readonly selecting: StoredHead["selecting"];
  readonly directives: StoredHead["directives"];
  readonly body: StoredBody;
  readonly bornAt: StoredHead["bornAt"];
  readonly staleAt: StoredHead["staleAt"];
  memo: Memo | undefined = undefined;
  /** Belongs to `eviction.ts`. */
  slot = -1;
  readonly dateValue: StoredHead["dateValue"];
  readonly validators: StoredHead["validators"];
  readonly status: number;
  readonly reason: string | undefined;
  readonly fields: FieldBlock;
  readonly key: string;
  readonly responseTime: StoredHead["responseTime"];
  readonly lifetime: StoredHead["lifetime"];
  readonly lifetimeSource: StoredHead["lifetimeSource"];
  readonly sizeBytes: number;

  constructor(head: StoredHead, fields: FieldBlock, body: StoredBody, sizeBytes: number) {
    this.selecting = head.selecting;
    this.directives = head.directives;
    this.body = body;
    this.bornAt = head.bornAt;
    this.staleAt = head.staleAt;
    this.dateValue = head.dateValue;
    this.validators = head.validators;
    this.status = head.status;
    this.reason = head.reason;
    this.fields = fields;
    this.key = head.key;
    this.responseTime = head.responseTime;
    this.lifetime = head.lifetime;
    this.lifetimeSource = head.lifetimeSource;
    this.sizeBytes = sizeBytes;
  }
}
