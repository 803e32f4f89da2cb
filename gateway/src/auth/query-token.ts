import type { HttpRequest } from "uWebSockets.js";
import { MAX_TOKEN_LENGTH } from "@plexus/protocol";

/** The token of the address that a client connects to, where that is switched on. */
export function queryTokenOf(request: HttpRequest, isOn: boolean): string | undefined {
  const token = isOn ? request.getQuery("token") : undefined;
  return token && token.length <= MAX_TOKEN_LENGTH ? token : undefined;
}
