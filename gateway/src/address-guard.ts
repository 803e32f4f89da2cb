/** Asks of each new connection whether its client's address may have another one. */

import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import type { BlockList } from "node:net";
import { clientAddress, integer, networks, type Options, option, trustedProxies } from "@plexus/runtime";
import { Addresses } from "./addresses.js";
import type { Connection } from "./connection.js";

export const addressOptions = {
  maxPerAddress: option({
    env: "PLEXUS_MAX_CONNECTIONS_PER_ADDRESS",
    type: integer(0, 1_000_000),
    default: 1_000,
    doc: "Connections of one client address, of IPv6 one /64, at this gateway; more are refused with 503. 0: no bound. Raise it where many people share an address, as behind a company's or a mobile network's.",
  }),
  perAddressPerSecond: option({
    env: "PLEXUS_CONNECTIONS_PER_ADDRESS_PER_SECOND",
    type: integer(0, 1_000_000),
    default: 50,
    doc: "New connections per second of one client address at this gateway; more are refused with 429 and Retry-After. 0: no bound.",
  }),
  perAddressBurst: option({
    env: "PLEXUS_CONNECTIONS_PER_ADDRESS_BURST",
    type: integer(1, 1_000_000),
    default: 500,
    doc: "New connections of one client address at once, as when everybody behind it comes back.",
  }),
  trustedProxies,
};

/** What a refused client is told. */
export interface GuardRefusal {
  readonly status: string;
  readonly reason: string;
  /** Undefined where nobody knows when there is room again. */
  readonly retryAfterS: number | undefined;
}

export class AddressGuard {
  readonly #trusted: BlockList;
  readonly #addresses: Addresses;

  constructor(options: Options<typeof addressOptions>) {
    this.#trusted = networks(options.trustedProxies);
    const rate = { perSecond: options.perAddressPerSecond, burst: options.perAddressBurst };
    this.#addresses = new Addresses({ connections: options.maxPerAddress, rate });
  }

  /** The client's address; null where a trusted proxy, or this machine, names nobody. */
  addressOf(response: HttpResponse, request: HttpRequest): string | null {
    const peer = Buffer.from(response.getRemoteAddressAsText()).toString();
    // A client may send the header too, and a proxy add its own behind that: all of them, in their order.
    const forwardedFor: string[] = [];
    request.forEach((name, value) => {
      if (name === "x-forwarded-for") forwardedFor.push(value);
    });
    return clientAddress(peer, forwardedFor.join(","), this.#trusted);
  }

  refusal(address: string | null, now: number): GuardRefusal | null {
    const refusal = this.#addresses.refusal(address, now);
    if (refusal === null) return null;
    const { reason, retryMs } = refusal;
    if (retryMs === undefined) return { status: "503 Service Unavailable", reason, retryAfterS: undefined };
    return { status: "429 Too Many Requests", reason, retryAfterS: Math.ceil(retryMs / 1_000) };
  }

  opened({ address }: Connection): void {
    this.#addresses.opened(address ?? null);
  }

  closed({ address }: Connection): void {
    this.#addresses.closed(address ?? null);
  }
}
