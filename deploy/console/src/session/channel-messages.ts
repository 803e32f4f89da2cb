import { useEffect, useState } from "preact/hooks";
import { retryDelayMs } from "../model/link.js";
import { type Message, withFrame } from "../model/timeline.js";
import { type Api, ApiError, messageOf, path } from "./api.js";
import { Pause } from "./pause.js";

/** Messages that are shown of what was before. */
const REWIND = "20";

export interface Messages {
  readonly messages: readonly Message[];
  readonly problem: string;
}

const NONE: Messages = { messages: [], problem: "" };

/** A channel's newest messages, live. */
export function useMessages(api: Api, tenant: string, channel: string): Messages {
  const [shown, setShown] = useState(NONE);
  useEffect(() => {
    const abort = new AbortController();
    setShown(NONE);
    const take = (data: string) => {
      const frame = JSON.parse(data) as Parameters<typeof withFrame>[1];
      setShown((last) => ({ messages: withFrame(last.messages, frame), problem: "" }));
    };
    const follow = async () => {
      for (let failures = 1; !abort.signal.aborted; failures++) {
        try {
          const stream = path`/v1/tenants/${tenant}/channels/${channel}/events?rewind=${REWIND}`;
          for await (const { event, data } of api.events(stream, abort.signal)) {
            failures = 0;
            if (event === "msg") take(data);
          }
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          if (!abort.signal.aborted) setShown((last) => ({ ...last, problem: messageOf(error) }));
        }
        await new Pause().wait(retryDelayMs(failures, Math.random()), abort.signal);
      }
    };
    void follow();
    return () => abort.abort();
  }, [api, tenant, channel]);
  return shown;
}
