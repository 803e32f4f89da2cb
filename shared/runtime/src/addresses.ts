/** Whose address a request comes from, and as what it is counted. Pure. */
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import { ConfigError, option } from "./config.js";

/** Hops of `X-Forwarded-For` that are looked at, from the right. */
const MAX_HOPS = 32;
const IPV6_GROUPS = 8;
/** A household, a phone or a machine has a /64 of its own, and takes any of its addresses. */
const COUNTED_GROUPS = 4;

export const LOOPBACK = "127.0.0.0/8,::1";

/** Reads addresses and networks with commas in between. Throws {@link ConfigError} where one of them is none. */
export function networks(text: string): BlockList {
  const list = new BlockList();
  for (const entry of text.split(",").map((part) => part.trim())) {
    if (entry === "") continue;
    const [address = "", bits, ...more] = entry.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    const most = family === "ipv4" ? 32 : 128;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (isIP(address) === 0 || more.length > 0 || !(prefix <= most))
      throw new ConfigError(`"${entry}" is neither an address nor a network such as 10.0.0.0/8`);
    list.addSubnet(address, prefix, family);
  }
  return list;
}

export function isWithin(list: BlockList, address: string): boolean {
  return isIP(address) !== 0 && list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}

export const trustedProxies = option({
  env: "PLEXUS_TRUSTED_PROXIES",
  type: z.string().superRefine((text, context) => {
    try {
      networks(text);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      context.addIssue({ code: "custom", message: error.message });
    }
  }),
  default: LOOPBACK,
  doc: "Addresses and networks of proxies, with commas in between: only from them X-Forwarded-For is believed to name the client.",
});

const loopback = networks(LOOPBACK);

export function isLoopback(address: string): boolean {
  return isWithin(loopback, plain(address));
}

/**
 * The client's address: the peer's, or where the peer is a proxy that is trusted, the right-most one in
 * `X-Forwarded-For` that is not. Everything left of that is what the client says of itself.
 *
 * Null where nobody is named: by a trusted proxy without the header, or on this machine.
 */
export function clientAddress(peer: string, forwardedFor: string, trusted: BlockList): string | null {
  const own = plain(peer);
  if (!isWithin(trusted, own)) return isLoopback(own) && forwardedFor === "" ? null : own;
  const hops = forwardedFor.split(",").slice(-MAX_HOPS);
  for (const hop of hops.reverse()) {
    const address = plain(withoutPort(hop.trim()));
    if (isIP(address) === 0) return hop.trim() === "" ? null : own;
    if (!isWithin(trusted, address)) return address;
  }
  return null;
}

/** As what an address is counted: itself, and of IPv6 its /64. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  return `${groupsOf(address).slice(0, COUNTED_GROUPS).join(":")}::/64`;
}

/** Without a zone, and an IPv4 address as such where it is written as an IPv6 one. */
function plain(text: string): string {
  const address = text.replace(/^\[|\]$|%.*$/g, "");
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address);
  if (groups.slice(0, 5).some((group) => group !== "0") || groups[5] !== "ffff") return address;
  const [high = 0, low = 0] = groups.slice(6).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}

/** Some proxies name the client's port too. */
function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? hop;
}

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): string[] {
  const [, v4] = /:(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  const hex = v4 === undefined ? address : address.slice(0, -v4.length) + hexOf(v4);
  const [left = "", right = ""] = hex.split("::");
  const [before, after] = [left, right].map((side) => side.split(":").filter((group) => group !== ""));
  const missing = IPV6_GROUPS - before!.length - after!.length;
  const groups = [...before!, ...Array<string>(Math.max(0, missing)).fill("0"), ...after!];
  return groups.map((group) => Number.parseInt(group, 16).toString(16));
}

function hexOf(v4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = v4.split(".").map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}
