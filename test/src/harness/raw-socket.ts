/** A TCP socket that speaks as much HTTP and WebSocket as it is told to, right or wrong. */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { DEADLINE_MS, until, within } from "./wait.js";

export class RawSocket {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #received = "";
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data) => {
      this.#received += data.toString("latin1");
    });
    socket.on("error", () => undefined); // a reset is one way to be closed, and "close" follows
    this.#closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#isClosed = true;
        resolve();
      });
    });
  }

  static async connect(url: string): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RawSocket(socket);
  }

  /** A connection that has become a WebSocket. */
  static async upgrade(url: string): Promise<RawSocket> {
    const socket = await RawSocket.connect(url);
    const { pathname, host } = new URL(url);
    const key = randomBytes(16).toString("base64");
    socket.write(
      Buffer.from(
        `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
      ),
    );
    await socket.receives("101 Switching Protocols");
    return socket;
  }

  write(data: Uint8Array): void {
    this.#socket.write(data);
  }

  sendText(text: string): void {
    this.sendTexts([text]);
  }

  /** Text frames of up to 65,535 bytes each, masked with zeros, at once. */
  sendTexts(texts: string[]): void {
    const frames = texts.map((text) => {
      const body = Buffer.from(text);
      const head = Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 0xff, 0, 0, 0, 0]);
      return Buffer.concat([head, body]);
    });
    this.write(Buffer.concat(frames));
  }

  async receives(text: string): Promise<void> {
    await until(`"${text}" from the server`, () => this.#received.includes(text));
  }

  async ended(why: string, deadlineMs = DEADLINE_MS): Promise<void> {
    await within(`the end of the connection: ${why}`, this.#closed, deadlineMs);
  }

  /** The server closes, or says something that begins like this. */
  async endedOr(what: string, text: string): Promise<void> {
    await until(what, () => this.#isClosed || this.#received.startsWith(text));
    this.cut();
  }

  cut(): void {
    this.#socket.destroy();
  }
}
