import { useEffect, useRef, useState } from "preact/hooks";
import { type Api, ApiError, messageOf } from "./api.js";
import { Pause } from "./pause.js";

const ASK_EVERY_MS = 3_000;

export interface Polled<T> {
  /** The last answer that was one; stale while there is a problem. */
  readonly value: T | null;
  readonly problem: string;
  again(): void;
}

/** The answer to a question, asked again and again while the page is seen. Null asks nothing. */
export function usePolled<T>(api: Api, path: string | null): Polled<T> {
  const [answer, setAnswer] = useState<{ value: T | null; problem: string }>({ value: null, problem: "" });
  const pause = useRef(new Pause());
  useEffect(() => {
    setAnswer({ value: null, problem: "" });
    if (path === null) return;
    const abort = new AbortController();
    const ask = async () => {
      while (!abort.signal.aborted) {
        if (!document.hidden) await askOnce(path);
        await pause.current.wait(ASK_EVERY_MS, abort.signal);
      }
    };
    const askOnce = async (question: string) => {
      try {
        const value = await api.get<T>(question, abort.signal);
        setAnswer({ value, problem: "" });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setAnswer((last) => ({ ...last, problem: messageOf(error) }));
      }
    };
    void ask();
    return () => abort.abort();
  }, [api, path]);
  return { ...answer, again: () => pause.current.wake() };
}
