/**
 * A TCP proxy in front of a NATS server. It can cut single clients off: they find the server gone, everybody else
 * and the server notice nothing. And it can lose, repeat and reorder what the server sends.
 */

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { NatsStream } from "./nats-stream.js";

const CLIENT_NAME = /^CONNECT .*"name":"([^"]*)"/m;

/** What becomes of a message on its way to a client: nothing, the same once or more, something kept from before. */
export type Mangle = (subject: string, raw: Buffer) => Buffer[];

interface Link {
  name: string;
  cut: () => void;
  /** Passes on what the client says. */
  open: () => void;
}

export class BusProxy {
  readonly #server: Server;
  /** Where to, asked at the first connection: the server may start later. */
  readonly #upstream: () => number;
  readonly #links = new Set<Link>();
  readonly #cutOff = new Set<string>();
  /** Told of who comes while nobody is even greeted. */
  #ignored: ((client: Socket) => void) | undefined;
  /** Taken for every message while it is set. */
  mangle: Mangle = (_, raw) => [raw];

  private constructor(server: Server, upstream: () => number) {
    this.#server = server;
    this.#upstream = upstream;
    server.on("connection", (socket) => this.#serve(socket));
  }

  /** @param upstream the server's port on 127.0.0.1 */
  static async listen(upstream: () => number): Promise<BusProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new BusProxy(server, upstream);
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Cuts the clients whose name begins like this. When they come back nobody answers them until {@link restore}. */
  cutOff(name: string): void {
    this.#cutOff.add(name);
    for (const link of this.#links) if (link.name.startsWith(name)) link.cut();
  }

  /** Whoever connects from now on is accepted and hears nothing, until {@link restore}; resolves to the first one. */
  silence(): Promise<Socket> {
    return new Promise((resolve) => {
      this.#ignored = resolve;
    });
  }

  restore(): void {
    this.#ignored = undefined;
    this.#cutOff.clear();
    for (const link of this.#links) link.open();
  }

  close(): void {
    this.#server.close();
    for (const link of this.#links) link.cut();
  }

  #serve(client: Socket): void {
    if (this.#ignored !== undefined) return this.#ignore(client, this.#ignored);
    const server = connect(this.#upstream(), "127.0.0.1");
    const link: Link = {
      name: "",
      cut: () => {
        client.destroy();
        server.destroy();
        this.#links.delete(link);
      },
      open: () => undefined,
    };
    this.#links.add(link);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      for (const end of ["close", "error"]) socket.on(end, link.cut);
    }
    const stream = new NatsStream();
    server.on("data", (chunk) => {
      for (const { subject, raw } of stream.push(chunk))
        for (const out of subject === undefined ? [raw] : this.mangle(subject, raw)) client.write(out);
    });
    client.once("data", (first) => {
      client.pause();
      link.name = CLIENT_NAME.exec(first.toString("latin1"))?.[1] ?? "";
      link.open = () => {
        link.open = () => undefined;
        server.write(first);
        client.pipe(server);
      };
      if (![...this.#cutOff].some((name) => link.name.startsWith(name))) link.open();
    });
  }

  #ignore(client: Socket, told: (client: Socket) => void): void {
    const cut = () => {
      client.destroy();
      this.#links.delete(link);
    };
    const link: Link = { name: "", cut, open: cut };
    this.#links.add(link);
    // Read, or it would never be seen to end.
    client.resume();
    for (const end of ["close", "error"]) client.on(end, cut);
    told(client);
  }
}
