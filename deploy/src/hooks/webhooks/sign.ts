/** How a request to a webhook is signed; see docs/webhooks.md for the other side. */
import { createHmac } from "node:crypto";

export const SIGNATURE_VERSION = "v1";

/** @param timestamp seconds since 1970, as in the header */
export function signature(secret: string, timestamp: string, body: string): string {
  const hex = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  return `${SIGNATURE_VERSION}=${hex}`;
}

export function signedHeaders(
  webhook: { id: string; secret: string },
  body: string,
  nowMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  return {
    "content-type": "application/json",
    "user-agent": "plexus-webhooks/1",
    "plexus-webhook-id": webhook.id,
    "plexus-timestamp": timestamp,
    "plexus-signature": signature(webhook.secret, timestamp, body),
  };
}
