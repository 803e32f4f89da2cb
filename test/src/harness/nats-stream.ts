/** What a NATS server says, cut into its messages and everything in between. */

export interface Piece {
  /** Of a message; undefined for INFO, PING, PONG and the like. */
  subject: string | undefined;
  raw: Buffer;
}

const CRLF = Buffer.from("\r\n");

/** Collects the bytes of one connection and gives back whole pieces, in order. */
export class NatsStream {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Piece[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const pieces: Piece[] = [];
    for (;;) {
      const piece = this.#next();
      if (piece === undefined) return pieces;
      pieces.push(piece);
    }
  }

  /** MSG <subject> <sid> [reply] <bytes>, HMSG with the bytes of the headers before; then so many bytes. */
  #next(): Piece | undefined {
    const lineEnd = this.#rest.indexOf(CRLF);
    if (lineEnd === -1) return undefined;
    const [verb, subject, ...more] = this.#rest.subarray(0, lineEnd).toString("latin1").split(" ");
    const isMessage = verb === "MSG" || verb === "HMSG";
    const bodyBytes = isMessage ? Number(more.at(-1)) + CRLF.length : 0;
    const end = lineEnd + CRLF.length + bodyBytes;
    if (this.#rest.length < end) return undefined;
    const raw = this.#rest.subarray(0, end);
    this.#rest = this.#rest.subarray(end);
    return { subject: isMessage ? subject : undefined, raw };
  }
}
