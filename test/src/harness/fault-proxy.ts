/**
 * A TCP proxy that brings about what networks do: connections that are cut or refused, that stay open and carry
 * nothing (in both directions or in one), that are late, slow, or deliver everything in small pieces.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { deferred } from "@plexus/runtime/testing";

/** `up`: from the client to the server. */
export type Direction = "up" | "down";

/** What is wrong with a connection; nothing is set on a good one. */
export interface Impairment {
  /** Nothing is carried in these directions; both ends see an open connection. */
  readonly hold?: readonly Direction[];
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
  /** Everything arrives in pieces of at most so many bytes. */
  readonly sliceBytes?: number;
}

export class FaultProxy {
  readonly #server: Server;
  readonly #upstream: { host: string; port: number };
  readonly #links = new Set<Link>();
  #refuses = false;
  /** For connections to come. */
  #impairment: Impairment = {};

  private constructor(server: Server, upstream: { host: string; port: number }) {
    this.#server = server;
    this.#upstream = upstream;
    server.on("connection", (client) => this.#serve(client));
  }

  /** Listens on a free port of 127.0.0.1. */
  static async listen(upstream: { host: string; port: number }): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FaultProxy(server, upstream);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get size(): number {
    return this.#links.size;
  }

  /** From now on, on the connections that are chosen and on all that come. */
  impair(impairment: Impairment, chosen: () => boolean = () => true): void {
    this.#impairment = impairment;
    for (const link of this.#links) if (chosen()) link.impair(impairment);
  }

  cut(chosen: () => boolean = () => true): void {
    for (const link of [...this.#links]) if (chosen()) link.cut();
  }

  /** Connections that come are closed at once. */
  refuse(refuses: boolean): void {
    this.#refuses = refuses;
  }

  /** All is well again, also for connections that were impaired. */
  heal(): void {
    this.#refuses = false;
    this.impair({});
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #serve(client: Socket): void {
    if (this.#refuses) return void client.resetAndDestroy();
    const server = connect({ ...this.#upstream, allowHalfOpen: true });
    const link = new Link(client, server, () => this.#links.delete(link));
    link.impair(this.#impairment);
    this.#links.add(link);
  }
}

class Link {
  readonly #sockets: [Socket, Socket];
  #impairment: Impairment = {};
  #changed = deferred<void>();
  #over = false;

  constructor(client: Socket, server: Socket, over: () => void) {
    this.#sockets = [client, server];
    for (const socket of this.#sockets) {
      socket.setNoDelay(true);
      socket.on("error", () => this.cut());
      socket.on("close", () => {
        if (this.#sockets.every(({ closed }) => closed)) over();
      });
    }
    void this.#carry("up", client, server);
    void this.#carry("down", server, client);
  }

  impair(impairment: Impairment): void {
    this.#impairment = impairment;
    this.#changed.resolve();
    this.#changed = deferred();
  }

  cut(): void {
    this.#over = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#changed.resolve();
  }

  async #carry(direction: Direction, from: Socket, to: Socket): Promise<void> {
    try {
      // Its other half may still have something to say.
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
        for (const piece of pieces(chunk, this.#impairment.sliceBytes))
          await this.#pass(direction, piece, to);
    } catch {
      // It was cut, which the sockets' own events tell.
    }
    // What is held back must not be overtaken by the end.
    await this.#unheld(direction);
    to.end();
  }

  async #pass(direction: Direction, piece: Buffer, to: Socket): Promise<void> {
    const { delayMs, bytesPerSecond } = this.#impairment;
    if (delayMs !== undefined) await pause(delayMs);
    if (bytesPerSecond !== undefined) await this.#wait((piece.length * 1_000) / bytesPerSecond);
    await this.#unheld(direction);
    if (!this.#over && !to.write(piece)) await Promise.race([once(to, "drain"), once(to, "close")]);
  }

  async #unheld(direction: Direction): Promise<void> {
    while (!this.#over && this.#impairment.hold?.includes(direction)) await this.#changed.promise;
  }

  /** Ends early when the connection becomes a better one. */
  #wait(ms: number): Promise<unknown> {
    return Promise.race([pause(ms), this.#changed.promise]);
  }
}

function* pieces(chunk: Buffer, bytes = chunk.length): Generator<Buffer> {
  for (let at = 0; at < chunk.length; at += bytes) yield chunk.subarray(at, at + bytes);
}
