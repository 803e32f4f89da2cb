/** An application's own server: it publishes its keys, and answers for tokens that are no JWTs. */
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { EVERYTHING, TENANT } from "./tokens.js";

export interface IssuerKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function issuerKey(alg: string, kid: string): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid } };
}

/** A token of that key; everything in the tenant is allowed unless the claims say otherwise. */
export function signBy(
  { kid, alg, privateKey }: IssuerKey,
  user: string,
  claims: JWTPayload = {},
): Promise<string> {
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  return new SignJWT({ sub: user, tenant: TENANT, caps: { ">": EVERYTHING }, exp, ...claims })
    .setProtectedHeader({ alg, kid })
    .sign(privateKey);
}

export class AuthServer {
  /** What is at /jwks. */
  keys: IssuerKey[] = [];
  /** What the hook at /connect answers for a token; 401 for others. */
  readonly known = new Map<string, object>();
  /** Tokens for which the hook's answer waits. */
  readonly held = new Map<string, Promise<unknown>>();
  /** While true nothing is answered at all. */
  isSilent = false;
  /** Questions for the hook whose signature was right, and whose was not. */
  readonly asked = { signed: 0, unsigned: 0 };
  readonly #server: Server;
  readonly #secret: string;

  private constructor(server: Server, secret: string) {
    this.#server = server;
    this.#secret = secret;
    server.on("request", (request, response) => {
      void this.#answer(request).then(([status, body]) => {
        if (this.isSilent) return;
        response.writeHead(status, { "content-type": "application/json", connection: "close" });
        response.end(JSON.stringify(body));
      });
    });
  }

  static async start(secret: string): Promise<AuthServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new AuthServer(server, secret);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<[status: number, body: object]> {
    if (request.method === "GET" && request.url === "/jwks")
      return [200, { keys: this.keys.map(({ jwk }) => jwk) }];
    const body = await text(request);
    const signed = `${request.headers["plexus-timestamp"]}.${body}`;
    const signature = `v1=${createHmac("sha256", this.#secret).update(signed).digest("hex")}`;
    if (request.headers["plexus-signature"] !== signature) {
      this.asked.unsigned++;
      return [400, {}];
    }
    this.asked.signed++;
    const { token } = JSON.parse(body) as { token: string };
    await this.held.get(token);
    const said = this.known.get(token);
    return said === undefined ? [401, {}] : [200, said];
  }
}
