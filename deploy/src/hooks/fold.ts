/**
 * What the stream of lifecycle events says is connected and subscribed, and what follows from it that nobody has
 * written down yet; pure. Every keeper folds the whole stream. What a gateway wrote, or a roster or an end says,
 * changes the state at once; what must be written because of that is *owed* until it is seen in the stream. So a
 * keeper that is killed in between owes the same again when it has read the stream, under the same ids, and none of
 * it that is there already.
 *
 * Bounds: what it holds is what gateways hold of the tenants that are followed; ends that it remembers are bounded.
 */
import {
  connectionEventId,
  gatewayOf,
  type LifecycleEvent,
  type RosterEntry,
  type RosterPart,
  subscriptionEventId,
} from "@plexus/runtime";
import { ChannelFold } from "./channel-fold.js";
import { Debts } from "./debts.js";

const MAX_ENDED = 10_000;

interface Held {
  readonly tenant: string;
  readonly user: string;
  readonly subscriptions: Map<number, string>;
}

interface Source {
  readonly conns: Map<string, Held>;
  /** Tenants of which a whole roster is known: what a later one shows beyond it was lost on the way. */
  readonly rosters: Set<string>;
  readonly gathering: Map<string, { roster: number; next: number; conns: RosterEntry[] }>;
}

export class Fold {
  readonly #sources = new Map<string, Source>();
  readonly #ended = new Set<string>();
  readonly #debts = new Debts();
  readonly #channels: ChannelFold;

  /** @param graceMs how long a channel has to be without subscribers until it is vacated */
  constructor(graceMs: number) {
    this.#channels = new ChannelFold(graceMs, this.#debts);
  }

  /** What must be written, in this order. */
  get owed(): Iterable<LifecycleEvent> {
    return this.#debts.all();
  }
  get owes(): number {
    return this.#debts.size;
  }
  /** Runs of gateways that may still live. */
  get sources(): Iterable<string> {
    return this.#sources.keys();
  }
  get size(): { connections: number; channels: number } {
    let connections = 0;
    for (const { conns } of this.#sources.values()) connections += conns.size;
    return { connections, channels: this.#channels.size };
  }

  hasEnded(source: string): boolean {
    return this.#ended.has(source);
  }

  /** An event of the stream. */
  take(event: LifecycleEvent, now: number): void {
    this.#debts.settle(event.id);
    if (event.kind === "occupied" || event.kind === "vacated") return this.#channels.told(event, now);
    if (event.derived === true) return this.#checkLateStart(event);
    const { source, conn, tenant, user = "", ch, sub, id, ts } = event;
    if (source === undefined || conn === undefined) return;
    if (this.#ended.has(source)) return this.#takeLate(event);
    const cause = { id, ts };
    switch (event.kind) {
      case "connected":
        this.#connect(source, conn, tenant, user);
        break;
      case "disconnected":
        this.#debts.forget(connectionEventId(source, conn, "connected"));
        this.#disconnect(source, conn, ts, now);
        break;
      case "subscribed":
        this.#checkLostConnection(event);
        this.#connect(source, conn, tenant, user);
        this.#subscribe(source, conn, sub!, ch!, { ...cause, tell: this.#knows(source, tenant) }, now);
        break;
      case "unsubscribed":
        this.#debts.forget(subscriptionEventId(source, conn, sub!, "subscribed"));
        this.#unsubscribe(source, conn, sub!, { ...cause, tell: true }, now);
    }
  }

  /** A part of a roster; nothing follows before the last one. */
  takeRoster(part: RosterPart, now: number): void {
    if (this.#ended.has(part.source)) return;
    const source = this.#source(part.source);
    if (part.part === 0) source.gathering.set(part.tenant, { roster: part.roster, next: 0, conns: [] });
    const gathering = source.gathering.get(part.tenant);
    if (gathering === undefined || gathering.roster !== part.roster || gathering.next !== part.part) return;
    gathering.conns.push(...part.conns);
    gathering.next++;
    if (!part.last) return;
    source.gathering.delete(part.tenant);
    if (part.off === true) this.#forgetTenant(part, now);
    else this.#compare(part, gathering.conns, now);
  }

  /** A run of a gateway is over: all that it held is gone. */
  takeEnd(source: string, ts: number, now: number): void {
    if (this.#ended.has(source)) return;
    if (this.#ended.size >= MAX_ENDED)
      for (const oldest of [...this.#ended].slice(0, 1)) this.#ended.delete(oldest);
    this.#ended.add(source);
    const held = this.#sources.get(source);
    if (held === undefined) return;
    for (const [conn, { tenant, user }] of [...held.conns]) {
      this.#disconnect(source, conn, ts, now);
      this.#debts.owe({ ...eventOf(source, conn, tenant, user, "disconnected", ts), derived: true });
    }
    this.#sources.delete(source);
  }

  /** Time goes by: channels that were empty for long enough are vacated. */
  tick(now: number, ts: number): void {
    this.#channels.tick(now, ts);
  }

  #source(name: string): Source {
    let source = this.#sources.get(name);
    if (source === undefined) {
      source = { conns: new Map(), rosters: new Set(), gathering: new Map() };
      this.#sources.set(name, source);
    }
    return source;
  }

  #knows(source: string, tenant: string): boolean {
    return this.#sources.get(source)?.rosters.has(tenant) === true;
  }

  #connect(source: string, conn: string, tenant: string, user: string): void {
    const { conns } = this.#source(source);
    if (!conns.has(conn)) conns.set(conn, { tenant, user, subscriptions: new Map() });
  }

  /** Its subscriptions end with it; that of those which nobody has written down is owed. */
  #disconnect(source: string, conn: string, ts: number, now: number): void {
    const held = this.#sources.get(source)?.conns.get(conn);
    if (held === undefined) return;
    for (const sub of [...held.subscriptions.keys()]) this.#endSubscription(source, conn, sub, ts, now);
    this.#sources.get(source)?.conns.delete(conn);
  }

  #endSubscription(
    source: string,
    conn: string,
    sub: number,
    ts: number,
    now: number,
    roster?: number,
  ): void {
    const held = this.#sources.get(source)?.conns.get(conn);
    const ch = held?.subscriptions.get(sub);
    if (held === undefined || ch === undefined) return;
    const { tenant, user } = held;
    const id = subscriptionEventId(source, conn, sub, "unsubscribed", roster);
    const event = eventOf(source, conn, tenant, user, "unsubscribed", ts);
    this.#debts.owe({ ...event, id, ch, sub, derived: true });
    this.#unsubscribe(source, conn, sub, { id, ts, tell: true }, now);
  }

  #subscribe(
    source: string,
    conn: string,
    sub: number,
    ch: string,
    cause: { id: string; ts: number; tell: boolean },
    now: number,
  ): void {
    const held = this.#source(source).conns.get(conn);
    if (held === undefined || held.subscriptions.has(sub)) return;
    held.subscriptions.set(sub, ch);
    this.#channels.joined(held.tenant, ch, cause, now);
  }

  #unsubscribe(
    source: string,
    conn: string,
    sub: number,
    cause: { id: string; ts: number; tell: boolean },
    now: number,
  ): void {
    const held = this.#sources.get(source)?.conns.get(conn);
    const ch = held?.subscriptions.get(sub);
    if (held === undefined || ch === undefined) return;
    held.subscriptions.delete(sub);
    this.#channels.left(held.tenant, ch, cause, now);
  }

  #compare(
    { source: name, tenant, roster, first, ts }: RosterPart,
    listed: RosterEntry[],
    now: number,
  ): void {
    const source = this.#source(name);
    // The first that is seen of an older source only tells what there is: it was told when it began.
    const tell = first || source.rosters.has(tenant);
    source.rosters.add(tenant);
    const there = new Map(listed.map((entry) => [entry[0], entry]));
    for (const [conn, held] of [...source.conns]) {
      if (held.tenant !== tenant) continue;
      const subs = new Set(there.get(conn)?.[2].map(([sub]) => sub));
      for (const sub of [...held.subscriptions.keys()])
        if (!subs.has(sub)) this.#endSubscription(name, conn, sub, ts, now, roster);
      if (there.has(conn)) continue;
      source.conns.delete(conn);
      const event = eventOf(name, conn, tenant, held.user, "disconnected", ts);
      const id = connectionEventId(name, conn, "disconnected", roster);
      this.#debts.owe({ ...event, id, derived: true });
    }
    for (const [conn, user, subs] of listed) {
      if (!source.conns.has(conn)) {
        this.#connect(name, conn, tenant, user);
        const id = connectionEventId(name, conn, "connected", roster);
        const event = eventOf(name, conn, tenant, user, "connected", ts);
        const pair = connectionEventId(name, conn, "connected");
        if (tell) this.#debts.owe({ ...event, id, derived: true }, pair);
      }
      for (const [sub, ch] of subs) {
        if (source.conns.get(conn)!.subscriptions.has(sub)) continue;
        const id = subscriptionEventId(name, conn, sub, "subscribed", roster);
        const event = eventOf(name, conn, tenant, user, "subscribed", ts);
        const pair = subscriptionEventId(name, conn, sub, "subscribed");
        if (tell) this.#debts.owe({ ...event, id, ch, sub, derived: true }, pair);
        this.#subscribe(name, conn, sub, ch, { id, ts, tell }, now);
      }
    }
  }

  /** Nobody wants to know of it any more: nothing is said. */
  #forgetTenant({ source: name, tenant, ts }: RosterPart, now: number): void {
    const source = this.#source(name);
    source.rosters.delete(tenant);
    for (const [conn, held] of [...source.conns]) {
      if (held.tenant !== tenant) continue;
      for (const sub of [...held.subscriptions.keys()])
        this.#unsubscribe(name, conn, sub, { id: "", ts, tell: false }, now);
      source.conns.delete(conn);
    }
  }

  /** Who subscribes is connected: where that was lost on the way, it is told now. */
  #checkLostConnection({ source = "", conn = "", tenant, user = "", ts }: LifecycleEvent): void {
    if (!this.#knows(source, tenant) || this.#sources.get(source)?.conns.has(conn) === true) return;
    const event = eventOf(source, conn, tenant, user, "connected", ts);
    this.#debts.owe({ ...event, derived: true }, event.id);
  }

  /** A gateway that was given up told this before it knew: what it began has ended, and what it ended has been told. */
  #takeLate(event: LifecycleEvent): void {
    const { id, kind, source = "", conn = "", sub = 0 } = event;
    const over = (start: string) => `${start}.over`;
    if (kind === "connected")
      this.#debts.owe({ ...event, id: over(id), kind: "disconnected", derived: true });
    if (kind === "subscribed")
      this.#debts.owe({ ...event, id: over(id), kind: "unsubscribed", derived: true });
    if (kind === "disconnected") this.#debts.settle(over(connectionEventId(source, conn, "connected")));
    if (kind === "unsubscribed")
      this.#debts.settle(over(subscriptionEventId(source, conn, sub, "subscribed")));
  }

  /** A beginning that was owed came into the stream when the end was there already: the end has to be said again. */
  #checkLateStart(event: LifecycleEvent): void {
    const { source, conn, kind, tenant, sub, id } = event;
    if (source === undefined || conn === undefined || !this.#knows(source, tenant)) return;
    const held = this.#sources.get(source)?.conns.get(conn);
    if (kind === "connected" && held === undefined)
      this.#debts.owe({ ...event, id: `${id}.over`, kind: "disconnected" });
    if (kind === "subscribed" && held?.subscriptions.has(sub!) !== true)
      this.#debts.owe({ ...event, id: `${id}.over`, kind: "unsubscribed" });
  }
}

function eventOf(
  source: string,
  conn: string,
  tenant: string,
  user: string,
  kind: "connected" | "disconnected" | "subscribed" | "unsubscribed",
  ts: number,
): LifecycleEvent {
  const id = connectionEventId(source, conn, kind);
  return { id, kind, tenant, ts, user, conn, gateway: gatewayOf(source), source };
}
