/** Which addresses a webhook may not lead to: what only the installation's own network should reach; pure. */
import { BlockList, isIP, isIPv4 } from "node:net";

const V4: ReadonlyArray<[string, number]> = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  // Multicast, reserved, broadcast.
  ["224.0.0.0", 3],
];
/** All that is not global unicast, and what is but stands for an IPv4 address or documentation. */
const V6: ReadonlyArray<[string, number]> = [
  ["::", 3],
  ["4000::", 2],
  ["8000::", 1],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
];

// One for each: a list of both takes IPv4 addresses for what they are mapped to.
const blockedV4 = new BlockList();
for (const [net, prefix] of V4) blockedV4.addSubnet(net, prefix, "ipv4");
const blockedV6 = new BlockList();
for (const [net, prefix] of V6) blockedV6.addSubnet(net, prefix, "ipv6");

/** Whether the address lies in the public internet. */
export function isPublicAddress(address: string): boolean {
  // A zone (fe80::1%eth0) is only ever on something local; what is no address at all leads nowhere.
  if (isIP(address) === 0 || address.includes("%")) return false;
  return isIPv4(address) ? !blockedV4.check(address, "ipv4") : !blockedV6.check(address, "ipv6");
}
