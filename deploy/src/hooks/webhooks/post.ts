import { lookup as resolve } from "node:dns";
import { type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./addresses.js";
import type { Attempt } from "./verdict.js";

/** Of an answer nothing but its status matters; more than this is not read. */
const MAX_ANSWER_BYTES = 16_384;

export interface PostOptions {
  deadlineMs: number;
  privateTargets: boolean;
  signal: AbortSignal;
}

class ForbiddenTarget extends Error {}

/** Refuses where the name leads, at the moment of connecting: what was checked earlier may have changed since. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, "", 0);
    const hidden = addresses.find(({ address }) => !isPublicAddress(address));
    const [first] = addresses;
    if (hidden !== undefined || first === undefined)
      return callback(new ForbiddenTarget("the name leads to an address that is not public"), "", 0);
    if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

/** One POST, to its end: no redirect is followed, and no more than a little of the answer is read. Never rejects. */
export async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  { deadlineMs, privateTargets, signal }: PostOptions,
): Promise<Attempt> {
  // Of its own for each request: what hangs on the caller's, which lives for long, has to be taken off again.
  const ended = new AbortController();
  const end = () => ended.abort();
  const timer = setTimeout(end, deadlineMs);
  signal.addEventListener("abort", end);
  try {
    if (signal.aborted) end();
    return await send(url, headers, body, privateTargets, ended.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

function send(
  url: string,
  headers: Record<string, string>,
  body: string,
  privateTargets: boolean,
  signal: AbortSignal,
): Promise<Attempt> {
  return new Promise((settle) => {
    const target = new URL(url);
    const host = target.hostname.replace(/^\[(.*)\]$/, "$1");
    if (!privateTargets && isIP(host) !== 0 && !isPublicAddress(host))
      return settle({ problem: "forbidden_target", message: "the address is not public" });
    const request = target.protocol === "https:" ? requestHttps : requestHttp;
    const bytes = Buffer.from(body);
    const options: RequestOptions = {
      method: "POST",
      headers: { ...headers, "content-length": bytes.length },
      signal,
      // A connection for each request: a name is resolved, and checked, each time.
      agent: false,
      ...(privateTargets ? {} : { lookup: publicLookup }),
    };
    let connected = false;
    const call = request(target, options, (response) => {
      let read = 0;
      const done = () => settle({ status: response.statusCode ?? 0 });
      response.on("data", (chunk: Buffer) => {
        read += chunk.length;
        if (read <= MAX_ANSWER_BYTES) return;
        done();
        response.destroy();
      });
      response.on("end", done);
      response.on("error", (error) => settle({ problem: "no_answer", message: error.message }));
    });
    call.on("socket", (socket) => socket.once("connect", () => (connected = true)));
    call.on("error", (error) => {
      if (error instanceof ForbiddenTarget) settle({ problem: "forbidden_target", message: error.message });
      else settle({ problem: connected ? "no_answer" : "unreachable", message: reasonOf(error) });
    });
    call.end(bytes);
  });
}

function reasonOf(error: Error & { code?: string }): string {
  return error.name === "AbortError" ? "no answer in time" : (error.code ?? error.message);
}
