/** Questions over HTTP to somebody else's server: with a deadline, a bound on what is read, and no redirects. */

export interface JsonRequest {
  readonly method: "GET" | "POST";
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly deadlineMs: number;
  readonly maxBytes: number;
}

export interface JsonAnswer {
  readonly status: number;
  /** Undefined where the body is no JSON. */
  readonly body: unknown;
}

export type AskJson = (url: string, request: JsonRequest) => Promise<JsonAnswer>;

export const askJson: AskJson = async (url, { method, headers, body, deadlineMs, maxBytes }) => {
  // Node's own refusal would repeat the password.
  if (new URL(url).username !== "") throw new Error("an address with a login in it is not asked");
  const response = await fetch(url, {
    method,
    headers: { accept: "application/json", ...headers },
    ...(body === undefined ? {} : { body }),
    redirect: "error",
    signal: AbortSignal.timeout(deadlineMs),
  });
  const text = await read(response, maxBytes);
  try {
    return { status: response.status, body: JSON.parse(text) as unknown };
  } catch {
    // Errors often come as a page; the status says what matters.
    return { status: response.status, body: undefined };
  }
};

async function read(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
