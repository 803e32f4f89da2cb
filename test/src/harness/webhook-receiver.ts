/** A backend's endpoint for webhooks that answers as a test wants, and keeps what it took. */
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { freePort } from "@plexus/runtime";

export const SECRET = "a-secret-of-at-least-32-characters";

export interface ReceivedEvent {
  id: string;
  kind: string;
  tenant: string;
  ch?: string;
  user?: string;
  seq?: number;
  epoch?: string;
  data?: unknown;
}

/**
 * What to do with a request: a status, or "cut" the connection, or never answer ("hang").
 *
 * @param request number of requests of all lanes before it
 * @param attempt number of requests before it that began with the same event
 */
export type Behaviour = (batch: ReceivedEvent[], request: number, attempt: number) => number | "cut" | "hang";

export class WebhookReceiver {
  /** Every batch that was answered with 2xx. */
  readonly taken: ReceivedEvent[][] = [];
  behave: Behaviour = () => 204;
  requests = 0;
  /** Signatures that were not right. */
  forged = 0;
  /** Requests by the id of their first event. */
  readonly #attempts = new Map<string, number>();
  #server: Server | undefined;
  #port = 0;

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await receiver.listen();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  /** Ids in the order in which they came first. */
  get events(): ReceivedEvent[] {
    const seen = new Set<string>();
    return this.taken.flat().filter(({ id }) => seen.size !== seen.add(id).size);
  }

  /** The `data` of a channel's messages, in the order in which they came first. */
  data(ch: string): unknown[] {
    return this.events
      .filter((event) => event.kind === "published" && event.ch === ch)
      .map(({ data }) => data);
  }

  /** Starts, or starts again at the same address, which nobody's outgoing connection takes in between. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      void this.#receive(request).then((verdict) => {
        if (verdict === "cut") request.socket.destroy();
        else if (verdict !== "hang") response.writeHead(verdict).end("thank you");
      });
    });
    this.#server = server;
    this.#port ||= await freePort();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    server?.closeAllConnections();
    await new Promise((resolve) => (server === undefined ? resolve(null) : server.close(resolve)));
  }

  async #receive(request: IncomingMessage): ReturnType<typeof this.decide> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return this.decide(request, Buffer.concat(chunks).toString());
  }

  async decide({ headers }: IncomingMessage, body: string): Promise<number | "cut" | "hang"> {
    const text = `${headers["plexus-timestamp"]}.${body}`;
    const right = `v1=${createHmac("sha256", SECRET).update(text).digest("hex")}`;
    if (headers["plexus-signature"] !== right) this.forged++;
    const { batch } = JSON.parse(body) as { batch: ReceivedEvent[] };
    const [{ id }] = batch as [ReceivedEvent];
    const attempt = this.#attempts.get(id) ?? 0;
    this.#attempts.set(id, attempt + 1);
    const verdict = this.behave(batch, this.requests++, attempt);
    if (typeof verdict === "number" && verdict < 300) this.taken.push(batch);
    return verdict;
  }
}
