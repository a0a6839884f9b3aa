// Answers: whether an address is one of those that an operator has named.
// Owns: the comparison of addresses and ranges, IPv4 within IPv6 included.
// Leaves out: how they are written (`option-values.ts`), what they may do (`purge.ts`).
import { BlockList, isIPv6 } from "node:net";
import type { AddressRange } from "../option-values.ts";

/** A test for addresses in any of these ranges; what is no address is in none. */
export function addressList(ranges: readonly AddressRange[]): (address: string) => boolean {
  const list = new BlockList();
  for (const { address, prefix } of ranges) list.addSubnet(address, prefix, familyOf(address));
  return (address) => list.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
