/**
 * From the bytes of a WebSocket message to operations: decoding, the handshake, batches, and what happens to a
 * frame that makes no sense.
 */
import {
  type ClientFrame,
  frameId,
  type HelloFrame,
  type Limits,
  PlexusError,
  PROTOCOL_VERSION,
  type PubFrame,
  parseClientFrame,
} from "@plexus/protocol";
import { unpackFrame } from "@plexus/protocol/msgpack";
import type { Logger, TenantLimits } from "@plexus/runtime";
import { unauthorized, type Verify } from "./auth/identity.js";
import { refusalOf } from "./auth/refusal.js";
import type { Connection } from "./connection.js";
import { EarlyFrames } from "./early-frames.js";
import type { Lifecycle } from "./lifecycle/lifecycle.js";
import * as metrics from "./metrics.js";
import type { Operations } from "./operations.js";
import { type ConnectionRates, RATE_OF, type RateKind } from "./rates.js";

type ConnectionQuotas = Pick<TenantLimits, "connected" | "disconnected" | "channels" | "turn">;

/** As `Buffer.toString` does it, in half the time; a byte order mark stays, which is no JSON. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export class Sessions {
  readonly #operations: Operations;
  readonly #verify: Verify;
  readonly #limits: Limits;
  readonly #gateway: string;
  readonly #pingMs: number;
  readonly #maxReads: number;
  readonly #rates: ConnectionRates;
  readonly #tenants: ConnectionQuotas;
  readonly #lifecycle: Pick<Lifecycle, "connected" | "disconnected">;
  readonly #log: Logger;
  /** Frames that came while the connection's token was being verified. */
  readonly #early = new EarlyFrames();

  constructor(context: {
    operations: Operations;
    verify: Verify;
    limits: Limits;
    gateway: string;
    pingMs: number;
    /** Requests of one connection that read history or members, without an answer yet. */
    maxReads: number;
    rates: ConnectionRates;
    tenants: ConnectionQuotas;
    lifecycle: Pick<Lifecycle, "connected" | "disconnected">;
    log: Logger;
  }) {
    this.#operations = context.operations;
    this.#verify = context.verify;
    this.#limits = context.limits;
    this.#gateway = context.gateway;
    this.#pingMs = context.pingMs;
    this.#maxReads = context.maxReads;
    this.#rates = context.rates;
    this.#tenants = context.tenants;
    this.#lifecycle = context.lifecycle;
    this.#log = context.log;
  }

  /** A WebSocket message: a frame or a batch of frames. */
  receive(connection: Connection, message: ArrayBuffer, isBinary: boolean): void {
    if (isBinary !== (connection.encoding === "msgpack")) return connection.close("bad_request");
    const tooMuch = this.#early.count(connection, message.byteLength);
    if (tooMuch !== null) return connection.close(tooMuch.close, tooMuch.reconnect);
    let value: unknown;
    try {
      value = isBinary ? unpackFrame(new Uint8Array(message)) : JSON.parse(utf8.decode(message));
    } catch {
      // Whatever the decoder says: this is not the protocol.
      return connection.close("bad_request");
    }
    const now = performance.now();
    if (!Array.isArray(value)) return this.#counted(connection, value, now);
    if (value.length > this.#limits.batch) {
      const error = new PlexusError("too_large", `a batch may hold ${this.#limits.batch} frames`);
      return connection.sendError(undefined, error);
    }
    for (const frame of value) this.#counted(connection, frame, now);
  }

  /** @param code the WebSocket's close code */
  closed(connection: Connection, code: number): void {
    this.#early.end(connection);
    this.#operations.leaveAll(connection);
    if (!connection.isWelcome) return;
    this.#log.debug({ ...connection.named, code }, "closed");
    this.#lifecycle.disconnected(connection, code);
    this.#tenants.disconnected(connection.identity.tenant);
  }

  /** Each frame counts, whatever it is, before anything else is done about it. */
  #counted(connection: Connection, value: unknown, now: number): void {
    if (!connection.isOpen) return;
    try {
      this.#count(connection, "frames", now);
    } catch (error) {
      return this.#fail(connection, value, error);
    }
    this.#frame(connection, value, now);
  }

  /** Throws `rate_limited` where a connection has done too much of something. */
  #count(connection: Connection, kind: RateKind, now: number): void {
    const retry = connection.usage.take(kind, this.#rates, now);
    if (retry === 0) return;
    metrics.rateLimited.inc({ kind });
    throw new PlexusError("rate_limited", `too many ${kind} per second on this connection`, { retry });
  }

  /** `now`: when it was received; the clock is read once for all that a WebSocket message holds. */
  #frame(connection: Connection, value: unknown, now: number): void {
    if (!connection.isOpen) return;
    if (this.#early.has(connection)) {
      const tooMany = this.#early.add(connection, value);
      if (tooMany !== null) connection.close(tooMany.close, tooMany.reconnect);
      return;
    }
    let frame: ClientFrame;
    try {
      frame = parseClientFrame(value);
    } catch (error) {
      this.#fail(connection, value, error);
      if (connection.countBadFrame()) connection.close("bad_request");
      return;
    }
    metrics.framesIn.add(frame.op);
    if (!connection.isWelcome) return this.#beforeWelcome(connection, frame);
    try {
      const underWay = this.#operate(connection, frame, now);
      if (underWay !== undefined) this.#await(connection, frame, underWay);
    } catch (error) {
      this.#fail(connection, frame, error);
    }
  }

  #operate(connection: Connection, frame: ClientFrame, now: number): Promise<void> | undefined | void {
    const rate = RATE_OF[frame.op];
    if (rate !== undefined) this.#count(connection, rate, now);
    switch (frame.op) {
      case "pub":
        return this.#publish(connection, frame, now);
      case "sub":
        return this.#limited(connection, () => this.#operations.subscribe(connection, frame));
      case "unsub":
        return this.#operations.unsubscribe(connection, frame);
      case "history":
        return this.#reading(connection, () => this.#operations.history(connection, frame));
      case "presence":
        return this.#reading(connection, () => this.#operations.presence(connection, frame));
      case "state":
        return this.#operations.state(connection, frame);
      case "signal":
        return this.#operations.signal(connection, frame);
      case "auth":
        return this.#limited(connection, () => this.#operations.authenticate(connection, frame));
      case "ping":
        return connection.send({ op: "pong" });
      case "hello":
        throw new PlexusError("bad_request", "hello was said already");
    }
  }

  #publish(connection: Connection, frame: PubFrame, now: number): void {
    const { refusedPublishes: refused } = connection;
    const { ch, mid } = frame;
    const early = refused.before(ch, mid, now);
    if (early > 0) {
      // A turn of its own: all that waits behind the first one must not come back together with it.
      const turn = connection.usage.turn("publishes", this.#rates, now);
      const retry = Math.max(early, turn, this.#tenants.turn(connection.identity.tenant, now));
      throw refused.behind(ch, retry);
    }
    const number = ++connection.publishesMade;
    try {
      this.#count(connection, "publishes", now);
      this.#operations.publish(connection, frame, number, now);
    } catch (error) {
      if (error instanceof PlexusError) refused.refused({ channel: ch, mid, number }, error, now);
      throw error;
    }
  }

  #limited(connection: Connection, operation: () => Promise<void>): Promise<void> {
    if (connection.inFlight >= this.#limits.inFlight)
      throw new PlexusError("rate_limited", "too many requests without an answer yet", { retry: 100 });
    return operation();
  }

  /** A few bytes that bring a whole page: far fewer of these at once than of the others. */
  #reading(connection: Connection, operation: () => Promise<void>): Promise<void> {
    if (connection.reads >= this.#maxReads)
      throw new PlexusError("rate_limited", "too much is being read already", { retry: 100 });
    return this.#limited(connection, () => {
      connection.reads++;
      return operation().finally(() => connection.reads--);
    });
  }

  #await(connection: Connection, frame: ClientFrame, underWay: Promise<void>): void {
    connection.inFlight++;
    underWay
      .catch((error: unknown) => this.#fail(connection, frame, error))
      .finally(() => connection.inFlight--);
  }

  #beforeWelcome(connection: Connection, frame: ClientFrame): void {
    if (frame.op === "ping") return connection.send({ op: "pong" });
    if (frame.op === "hello") return void this.#hello(connection, frame);
    this.#fail(connection, frame, new PlexusError("unauthorized", "the first frame must be hello"));
    connection.close("unauthorized");
  }

  async #hello(connection: Connection, frame: HelloFrame): Promise<void> {
    this.#early.begin(connection);
    try {
      const token = frame.token ?? connection.queryToken;
      connection.queryToken = undefined;
      if (token === undefined) throw unauthorized("hello brings no token");
      const identity = await this.#verify(token, connection);
      if (!connection.isOpen) return;
      this.#tenants.connected(identity.tenant);
      connection.identify(identity);
      this.#lifecycle.connected(connection);
      connection.send({
        op: "welcome",
        id: frame.id,
        v: PROTOCOL_VERSION,
        conn: connection.id,
        user: identity.user,
        tenant: identity.tenant,
        gateway: this.#gateway,
        now: Date.now(),
        expires: identity.expiresAt,
        ping: this.#pingMs,
        limits: { ...this.#limits, channels: this.#tenants.channels(identity.tenant, this.#limits.channels) },
      });
      this.#log.debug(connection.named, "welcome");
    } catch (error) {
      this.#fail(connection, frame, error);
      const { close, reconnect } = refusalOf(error);
      connection.close(close, reconnect);
    }
    for (const value of this.#early.end(connection)) this.#frame(connection, value, performance.now());
  }

  #fail(connection: Connection, frame: unknown, error: unknown): void {
    const id = frameId(frame);
    if (error instanceof PlexusError) {
      connection.sendError(id, error);
      if (error.code === "rate_limited" && connection.usage.countRefusal(performance.now()))
        connection.close("rate_limited");
      return;
    }
    const { op, ch: channel } = frame as { op?: unknown; ch?: unknown };
    this.#log.error({ err: error, ...connection.named, op, channel }, "operation failed");
    connection.sendError(id, new PlexusError("internal", "internal error"));
  }
}
