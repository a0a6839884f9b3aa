// Answers: what a client is told for whose connection there is no room.
// Owns: the bytes, and for how many at a time they are made.
// Leaves out: how many connections there may be (`option-tables.ts`), counting them (`serve-lane.ts`, `node-connections.ts`).

/** Sent before anything is read (RFC 9110 §15.6.4). */
export const TOO_MANY =
  "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";

/** So many connections too many are told so at a time; any more are cut. */
export const TOLD_AT_A_TIME = 100;
