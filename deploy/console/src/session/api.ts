import { type ServerEvent, serverEvents } from "#server-events";

/** Longer than the admin API's own deadlines. */
const ANSWER_WITHIN_MS = 15_000;

/** What was not answered as it was hoped. */
export class ApiError extends Error {
  /** 0 where there was no answer at all. */
  readonly status: number;
  /** Of the catalogue of errors; empty where there was none. */
  readonly code: string;
  /** After which it may be asked again, milliseconds; 0 where nothing is said. */
  readonly retryMs: number;

  constructor(status: number, code: string, message: string, retryMs = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryMs = retryMs;
  }
}

/** The admin API that this page came from, with a token that is kept here and sent in a header, nowhere else. */
export class Api {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return read(await this.#fetch(path, {}, deadline(signal)));
  }

  async post<T>(path: string, body: object = {}): Promise<T> {
    const headers = { "content-type": "application/json" };
    const asked = { method: "POST", body: JSON.stringify(body), headers };
    return read(await this.#fetch(path, asked, deadline()));
  }

  /** Server-sent events until the server or the signal ends them. EventSource would send no token. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const response = await this.#fetch(path, { headers: { accept: "text/event-stream" } }, signal);
    try {
      if (response.body !== null) yield* serverEvents(chunks(response.body));
    } catch (error) {
      if (!signal.aborted) throw unreachable(error);
    }
  }

  async #fetch(path: string, asked: RequestInit, signal: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(path, {
        ...asked,
        headers: { ...asked.headers, authorization: `Bearer ${this.#token}` },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal,
      });
    } catch (error) {
      throw unreachable(error);
    }
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

/** What is cut in the middle is no answer. */
async function read<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw unreachable(error);
  }
}

function deadline(signal?: AbortSignal): AbortSignal {
  const late = AbortSignal.timeout(ANSWER_WITHIN_MS);
  return signal === undefined ? late : AbortSignal.any([signal, late]);
}

/** Not every browser iterates over a response's body by itself. */
async function* chunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Whoever looks away early is no longer sent anything.
    reader.cancel().catch(() => undefined);
  }
}

function unreachable(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const late = (error as Error).name === "TimeoutError";
  return new ApiError(0, "", late ? "no answer in time" : "no connection");
}

async function refusal(response: Response): Promise<ApiError> {
  const fallback = `it answered ${response.status}`;
  try {
    const { error } = (await response.json()) as {
      error: { code: string; message: string; retry?: number };
    };
    return new ApiError(response.status, error.code, error.message, error.retry);
  } catch {
    return new ApiError(response.status, "", fallback);
  }
}

/** A path with names in it that may hold any character. */
export function path(parts: TemplateStringsArray, ...names: string[]): string {
  return parts.reduce((whole, part, i) => whole + encodeURIComponent(names[i - 1]!) + part);
}

/** What a person is told of a failure. */
export function messageOf(error: unknown): string {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 403) return `Your token does not allow this: ${error.message}.`;
  if (error.status === 0) return `The admin API can't be reached: ${error.message}.`;
  const text = error.message;
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
