import { count, millis, rate } from "../model/format.js";
import type { Figure } from "../session/figures.js";
import type { Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { Chart, type Line } from "./chart.js";

interface Plan {
  readonly title: string;
  readonly lines: ReadonlyArray<Line<Figure>>;
  format(value: number | null | undefined): string;
}

const PLANS: readonly Plan[] = [
  {
    title: "Messages per second",
    lines: [
      { figure: "publishes", label: "published" },
      { figure: "deliveries", label: "delivered", isSecond: true },
    ],
    format: rate,
  },
  {
    title: "Publish latency",
    lines: [
      { figure: "publishP50", label: "median" },
      { figure: "publishP99", label: "p99", isSecond: true },
    ],
    format: millis,
  },
  { title: "Connections", lines: [{ figure: "connections", label: "open" }], format: count },
  {
    title: "Errors per second",
    lines: [
      { figure: "errors", label: "errors", isDanger: true },
      { figure: "refusals", label: "refused", isSecond: true },
    ],
    format: rate,
  },
];

/** The last ten minutes, as this page saw them. */
export function Charts({ session }: { session: Session }) {
  const { stats, figures } = useStore(session.known);
  if (figures === "none")
    return (
      <p class="panel empty" data-testid="no-figures">
        Live figures are not available: this admin API has none (<code>GET /v1/stats</code>).
      </p>
    );
  return (
    <div class="charts" data-testid="charts" data-figures={figures}>
      {PLANS.map(({ title, lines, format }) => (
        <Chart
          key={title}
          title={title}
          lines={lines}
          format={format}
          samples={session.samples}
          newest={stats?.ts ?? null}
          isStale={figures === "away"}
        />
      ))}
    </div>
  );
}
