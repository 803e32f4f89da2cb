import type { TemplatedApp } from "uWebSockets.js";
import { isText, MAX_USER_LENGTH } from "@plexus/protocol";
import { SignJWT } from "jose";
import { serveFiles, writeHeaders } from "./static-files.js";

const TENANT = "demo";
const LIFETIME = "1h";
const CAPABILITIES = { "chat.>": ["sub", "pub", "presence", "history", "signal"] };

/** The demo: a chat page at `/`, and a token for any name at `/demo/token?user=…`. Never in production. */
export function serveDemo(app: TemplatedApp, secret: string): void {
  serveFiles(app);
  const key = new TextEncoder().encode(secret);
  app.get("/demo/token", (response, request) => {
    let aborted = false;
    response.onAborted(() => {
      aborted = true;
    });
    const user = (request.getQuery("user") ?? "").trim();
    const respond = (status: string, body: object) => {
      if (aborted) return;
      response.cork(() => {
        response.writeStatus(status);
        writeHeaders(response, "application/json");
        response.end(JSON.stringify(body));
      });
    };
    if (!isText(user, MAX_USER_LENGTH))
      return respond("400 Bad Request", {
        error: { code: "bad_request", message: "user is missing or too long" },
      });
    new SignJWT({ tenant: TENANT, caps: CAPABILITIES })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(user)
      .setIssuedAt() // without it, whoever was once revoked could never come back
      .setExpirationTime(LIFETIME)
      .sign(key)
      .then(
        (token) => respond("200 OK", { token, user }),
        () =>
          respond("500 Internal Server Error", { error: { code: "internal", message: "internal error" } }),
      );
  });
}
