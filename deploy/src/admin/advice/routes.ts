import type { AdminContext, AdminServer } from "../context.js";
import { answers } from "../schemas.js";
import { AdviceBody, type SignalBody } from "./schemas.js";
import type { Signal } from "./windows.js";

export function adviceRoutes(server: AdminServer, { advisor }: AdminContext): void {
  server.get(
    "/v1/advice",
    {
      schema: {
        tags: ["stats"],
        summary: "Whether a cell should be added or drained, and by which numbers",
        description:
          "Nothing is done about it. This process keeps the samples: after its start it says for a while that there is not enough history.",
        response: answers(200, AdviceBody),
      },
    },
    async () => {
      const { signals, cooldownMs, historyMs, ...advice } = await advisor.advice();
      const { upMs, downMs } = advisor.policy;
      return {
        ts: Date.now(),
        ...advice,
        cooldownMs: Math.round(cooldownMs),
        historyMs: Math.round(historyMs),
        upMs,
        downMs,
        signals: signals.map(shown),
      };
    },
  );
}

function shown({ of, name, now, lowest, highest, band, state }: Signal): SignalBody {
  const round = (value: number | null) => (value === null ? null : Number(value.toPrecision(3)));
  return { of, name, now: round(now), lowest: round(lowest), highest: round(highest), ...band, state };
}
