import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { MAX_TOKEN_LENGTH } from "@plexus/protocol";
import type { Caller } from "./identity.js";

/** What the upgrade says of a client, and the token of the address where that is switched on. */
export function callerOf(
  response: HttpResponse,
  request: HttpRequest,
  queryTokens: boolean,
): Caller & { queryToken?: string | undefined } {
  const address = Buffer.from(response.getRemoteAddressAsText()).toString();
  const token = queryTokens ? request.getQuery("token") : undefined;
  return { address, queryToken: token && token.length <= MAX_TOKEN_LENGTH ? token : undefined };
}
