import { ERRORS, PlexusError } from "@plexus/protocol";

/** Whether the same request may succeed later without being changed. */
export function isRetryable(error: PlexusError): boolean {
  return ERRORS[error.code].retryable;
}

/** The connection ended before the answer. Whether the request was carried out is unknown. */
export class LinkLost extends PlexusError {
  constructor() {
    super("unavailable", "the connection ended before the answer");
  }
}

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A promise that is settled from outside. */
export function defer<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((ok, fail) => {
    resolve = ok;
    reject = fail;
  });
  return { promise, resolve, reject };
}
