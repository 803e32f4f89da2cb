/** The few kinds of panels that the dashboards are made of, and how they lie side by side. */

export interface Panel {
  readonly title: string;
  readonly unit: string;
  /** Legend and expression of each line. */
  readonly lines: ReadonlyArray<readonly [legend: string, expr: string]>;
  /** What to make of it. */
  readonly about?: string;
  readonly kind?: "timeseries" | "stat";
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Variable {
  readonly name: string;
  /** The metric whose label gives the choices. */
  readonly from: string;
  readonly label: string;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

const SOURCE = { type: "prometheus", uid: "$source" };
const COLUMNS = 24;
const WIDTH = { timeseries: 8, stat: 4 };
const HEIGHT = { timeseries: 8, stat: 4 };

/** A line with labels: the sum of rates by one label. */
export function rateBy(label: string, metric: string, matchers = ""): Panel["lines"] {
  return [[`{{${label}}}`, `sum by (${label}) (rate(${metric}${matchers}[$__rate_interval]))`]];
}

export function rate(legend: string, metric: string, matchers = ""): Panel["lines"] {
  return [[legend, `sum(rate(${metric}${matchers}[$__rate_interval]))`]];
}

/** Median and 99th percentile of a histogram. */
export function quantiles(metric: string, matchers = ""): Panel["lines"] {
  return [0.5, 0.99].map((quantile) => [
    `p${quantile * 100}`,
    `histogram_quantile(${quantile}, sum by (le) (rate(${metric}_bucket${matchers}[$__rate_interval])))`,
  ]);
}

/** What waits, what was refused for want of room, and whether what is depended on is there. */
export function boundsRow(matchers: string): Row {
  return {
    title: "Queues and dependencies",
    panels: [
      {
        title: "Queues, as a part of what may wait",
        unit: "percentunit",
        about: "A queue has the name of its bound; its documents are in ARCHITECTURE.md, Bounds.",
        lines: [["{{instance}} {{bound}}", `plexus_waiting${matchers} / on (instance, bound) plexus_bound`]],
      },
      {
        title: "Bounds reached",
        unit: "ops",
        lines: rateBy("bound", "plexus_bound_reached_total", matchers),
      },
      {
        title: "NATS and Redis, 1 is connected",
        unit: "short",
        lines: [["{{instance}} {{dependency}}", `plexus_dependency_up${matchers}`]],
      },
      {
        title: "Connections lost, last hour",
        unit: "short",
        lines: [["{{instance}} {{dependency}}", `increase(plexus_dependency_losses_total${matchers}[1h])`]],
      },
    ],
  };
}

/** What every process has, by instance. */
export function processRow(matchers: string): Row {
  return {
    title: "Processes",
    panels: [
      {
        title: "CPU",
        unit: "percentunit",
        about: "Of one core: a process works on one.",
        lines: [["{{instance}}", `rate(plexus_process_cpu_seconds_total${matchers}[$__rate_interval])`]],
      },
      {
        title: "Memory",
        unit: "bytes",
        lines: [["{{instance}}", `plexus_process_resident_memory_bytes${matchers}`]],
      },
      {
        title: "Event loop, 99th percentile",
        unit: "s",
        about: "How late the event loop was since it was last asked: above some 0.1 s clients feel it.",
        lines: [["{{instance}}", `plexus_nodejs_eventloop_lag_p99_seconds${matchers}`]],
      },
    ],
  };
}

export function grafanaDashboard(dashboard: Dashboard): object {
  const { uid, title, about, variables, rows } = dashboard;
  return {
    uid,
    title,
    description: about,
    tags: ["plexus"],
    schemaVersion: 39,
    editable: true,
    refresh: "30s",
    time: { from: "now-3h", to: "now" },
    templating: {
      list: [
        { name: "source", label: "Data source", type: "datasource", query: "prometheus" },
        ...variables.map(grafanaVariable),
      ],
    },
    panels: layOut(rows),
  };
}

function grafanaVariable({ name, from, label }: Variable): object {
  const query = `label_values(${from}, ${label})`;
  return {
    name,
    type: "query",
    datasource: SOURCE,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: ".*",
    current: { text: "All", value: "$__all" },
  };
}

/** From left to right, and on to the next line where there is no room. */
function layOut(rows: readonly Row[]): object[] {
  const laid: object[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    laid.push({
      id: laid.length + 1,
      type: "row",
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y++;
    let x = 0;
    let lineHeight = 0;
    for (const panel of panels) {
      const kind = panel.kind ?? "timeseries";
      if (x + WIDTH[kind] > COLUMNS) {
        y += lineHeight;
        x = 0;
        lineHeight = 0;
      }
      const gridPos = { x, y, w: WIDTH[kind], h: HEIGHT[kind] };
      laid.push(grafanaPanel(panel, laid.length + 1, gridPos));
      x += WIDTH[kind];
      lineHeight = Math.max(lineHeight, HEIGHT[kind]);
    }
    y += lineHeight;
  }
  return laid;
}

function grafanaPanel(
  { title, unit, lines, about, kind = "timeseries" }: Panel,
  id: number,
  gridPos: object,
): object {
  return {
    id,
    type: kind,
    title,
    ...(about === undefined ? {} : { description: about }),
    gridPos,
    datasource: SOURCE,
    fieldConfig: { defaults: { unit, min: 0, custom: { lineWidth: 1, fillOpacity: 8 } }, overrides: [] },
    options:
      kind === "stat"
        ? { reduceOptions: { calcs: ["lastNotNull"] }, graphMode: "area" }
        : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
    targets: lines.map(([legendFormat, expr], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: SOURCE,
      expr,
      legendFormat,
    })),
  };
}
