import { isErrorCode } from "@plexus/protocol";
import { apiError, CliError, EXIT } from "./errors.js";
import type { Installation } from "./installation.js";
import { type ServerEvent, serverEvents } from "./server-events.js";

/** Longer than the admin API's own deadlines. */
const ANSWER_WITHIN_MS = 20_000;

/** The admin API as the commands use it. Every failure is a {@link CliError}. */
export class Api {
  readonly #find: () => Installation;
  #found: Installation | undefined;

  /** @param find finds the installation upon the first use, since not every command needs one */
  constructor(find: () => Installation) {
    this.#find = find;
  }

  get #installation(): Installation {
    this.#found ??= this.#find();
    return this.#found;
  }

  get<T>(path: string): Promise<T> {
    return this.send("GET", path);
  }

  post<T>(path: string, body: object = {}): Promise<T> {
    return this.send("POST", path, body);
  }

  delete<T>(path: string): Promise<T> {
    return this.send("DELETE", path);
  }

  async send<T>(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: object,
  ): Promise<T> {
    const text = await this.#ask(method, path, body);
    try {
      return JSON.parse(text);
    } catch {
      const { adminUrl } = this.#installation;
      throw new CliError(EXIT.failed, `${adminUrl}${path} is no admin API: its answer is no JSON`);
    }
  }

  text(path: string): Promise<string> {
    return this.#ask("GET", path);
  }

  /** Server-sent events until the server or the signal ends them. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const response = await this.#fetch("GET", path, undefined, signal, "text/event-stream");
    if (response.body === null) return;
    try {
      yield* serverEvents(response.body);
    } catch (error) {
      if (!signal.aborted) throw this.#unreachable(error);
    }
  }

  async #ask(method: string, path: string, body?: object): Promise<string> {
    const response = await this.#fetch(method, path, body, AbortSignal.timeout(ANSWER_WITHIN_MS));
    return this.#whole(response.text());
  }

  async #fetch(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal,
    accept = "application/json",
  ): Promise<Response> {
    const { adminUrl, adminToken } = this.#installation;
    const asked = fetch(adminUrl + path, {
      method,
      headers: {
        accept,
        authorization: `Bearer ${adminToken}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
    const response = await this.#whole(asked);
    if (!response.ok) throw refusal(response, await this.#whole(response.text()));
    return response;
  }

  /** An answer that breaks off is as good as none. */
  async #whole<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): CliError {
    const { cause, name, message } = error as Error;
    const code = (cause as NodeJS.ErrnoException | undefined)?.code;
    const why = name === "TimeoutError" ? "no answer in time" : (code ?? message);
    return new CliError(
      EXIT.unreachable,
      `the admin API at ${this.#installation.adminUrl} can't be reached (${why})`,
      "Is it running, and is that its address?",
    );
  }
}

function refusal(response: Response, text: string): CliError {
  const error = parseError(text);
  if (error !== undefined) return apiError(error.code, error.message);
  const status = `${response.status} ${response.statusText}`.trim();
  return new CliError(EXIT.failed, `${response.url} is no admin API: it answered ${status}`);
}

function parseError(text: string) {
  try {
    const { error } = JSON.parse(text);
    return isErrorCode(error?.code) ? { code: error.code, message: String(error.message) } : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/** A path with names in it that may hold any character. */
export function path(parts: TemplateStringsArray, ...names: string[]): string {
  return parts.reduce((whole, part, i) => whole + encodeURIComponent(names[i - 1]!) + part);
}

/** A query string of what is defined. */
export function query(values: Record<string, string | number | undefined>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) params.set(name, String(value));
  return params.size === 0 ? "" : `?${params}`;
}
