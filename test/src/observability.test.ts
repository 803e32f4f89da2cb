/** Dashboards, rules and scrape configurations speak of metrics and labels that the processes of a running cluster have. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { clusterForFile } from "./harness/cluster.js";
import { get } from "./harness/http.js";
import { namesIn } from "./harness/promql.js";
import { until } from "./harness/wait.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** Metric → its type and labels, over all processes. */
const known = new Map<string, { type: string; labels: Set<string> }>();
/** Put on by the scrape configurations. */
const TARGET_LABELS = ["process", "cell", "instance"];

const cluster = clusterForFile({
  admin: true,
  hooks: true,
  settings: { quotas: { connections: 1_000, messagesInPerSecond: 1_000 } },
});

/** What a source declares, since a metric shows its labels only once it has counted something. */
function declaredLabels(): Map<string, string[]> {
  const declared = new Map<string, string[]>();
  for (const folder of ["shared/runtime/src", "gateway/src", "cells/src", "deploy/src"])
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
      const text = read(join(folder, file));
      for (const [, name, rest] of text.matchAll(/name: "(plexus_\w+)",([\s\S]*?)\}\)/g)) {
        const many = /labelNames: \[([^\]]*)\]/.exec(rest!)?.[1] ?? "";
        const one = /label: ("\w+")/.exec(rest!)?.[1] ?? "";
        declared.set(
          name!,
          [...`${many} ${one}`.matchAll(/"(\w+)"/g)].map((match) => match[1]!),
        );
      }
    }
  return declared;
}

function learn(text: string): void {
  const declared = declaredLabels();
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const labels = new Set(declared.get(name!) ?? []);
    for (const [, shown] of text.matchAll(new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, "gm")))
      for (const [, label] of shown!.matchAll(/(\w+)="/g)) labels.add(label!);
    const seen = known.get(name!)?.labels ?? [];
    known.set(name!, { type: type!, labels: new Set([...labels, ...seen]) });
  }
}

/** The metric that a series belongs to: of a histogram there are three. */
function metricOf(series: string) {
  const whole = known.get(series);
  if (whole !== undefined) return whole;
  const histogram = known.get(series.replace(/_(bucket|sum|count)$/, ""));
  return histogram?.type === "histogram" ? histogram : undefined;
}

interface Rules {
  groups: Array<{ name: string; rules: Array<{ record?: string; alert?: string; expr: string }> }>;
}
const rules = (parse(read("deploy/observability/prometheus/rules.yml")) as Rules).groups.flatMap(
  (group) => group.rules,
);
const recorded = new Set(rules.flatMap(({ record }) => record ?? []));

interface DashboardFile {
  panels: Array<{ title: string; type: string; targets?: Array<{ expr: string }> }>;
  templating: { list: Array<{ name: string; type: string; definition?: string }> };
}
const FOLDER = "deploy/observability/grafana";
const dashboards = readdirSync(join(ROOT, FOLDER)).map((file) => ({
  file,
  ...(JSON.parse(read(join(FOLDER, file))) as DashboardFile),
}));

/** Everything that is asked of Prometheus: where, and what. */
function expressions(): Array<[where: string, expr: string]> {
  const ofRules = rules.map(({ record, alert, expr }) => [(record ?? alert)!, expr] as [string, string]);
  const ofPanels = dashboards.flatMap(({ file, panels, templating }) => [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => [`${file}: ${title}`, expr] as [string, string]),
    ),
    ...templating.list.flatMap(({ name, definition }) =>
      definition === undefined ? [] : [[`${file}: $${name}`, definition] as [string, string]],
    ),
  ]);
  return [...ofRules, ...ofPanels];
}

test("a cluster that does something shows its metrics", async () => {
  const client = await cluster.connect("ada");
  await client.sub("chat.seen", { presence: true });
  await client.pub("chat.seen", 1);
  await until("the message", () => client.channel("chat.seen").received.length === 1);
  await client.refused({ op: "pub", ch: "no channel", data: 1 }, "bad_request");
  for (const { opsUrl } of cluster.cluster.processes)
    if (opsUrl !== null) learn((await get(`${opsUrl}/metrics`)).body);
  const { labels, type } = known.get("plexus_publishes_total")!;
  assert.deepEqual([type, [...labels]], ["counter", ["outcome"]]);
  assert.equal(known.get("plexus_publish_seconds")?.type, "histogram");
  assert.ok((await cluster.metrics("g1")).sum("plexus_publish_seconds_count") >= 1);
  assert.equal((await cluster.metrics("g1")).sum("plexus_bound", { bound: "connections" }), 50_000);
});

test("every metric and label in dashboards and rules exists", () => {
  const offences: string[] = [];
  for (const [where, expr] of expressions()) {
    const { metrics, grouped } = namesIn(expr.replace(/^label_values\((\w+), (\w+)\)$/, "sum by ($2) ($1)"));
    const possible = new Set(TARGET_LABELS);
    for (const [name, matched] of metrics) {
      if (recorded.has(name)) continue;
      const metric = name === "up" ? { labels: new Set<string>() } : metricOf(name);
      if (metric === undefined) offences.push(`${where}: there is no ${name}`);
      for (const label of metric?.labels ?? []) possible.add(label);
      for (const label of matched)
        if (metric !== undefined && !metric.labels.has(label) && !TARGET_LABELS.includes(label))
          offences.push(`${where}: ${name} has no label ${label}`);
    }
    for (const label of grouped) if (!possible.has(label)) offences.push(`${where}: grouped by ${label}`);
  }
  assert.deepEqual(offences, []);
});

test("counters are asked for their rate, and histograms by their buckets", () => {
  const offences = expressions().filter(([, expr]) => {
    const counters = [...namesIn(expr.replace(/^label_values\((\w+), .*/, "$1")).metrics.keys()].filter(
      (name) => known.get(name)?.type === "counter" || /_(bucket|sum|count)$/.test(name),
    );
    return counters.some((name) => !new RegExp(`(rate|increase)\\(${name}|${name} unless`).test(expr));
  });
  assert.deepEqual(offences, []);
});

test("which metrics no panel shows", (context) => {
  const shown = new Set(
    expressions()
      .filter(([where]) => where.includes(".json: "))
      .flatMap(([, expr]) => [...namesIn(expr.replace(/^label_values\((\w+), .*/, "$1")).metrics.keys()]),
  );
  const own = [...known.keys()].filter((name) => !/^plexus_(nodejs|process)_/.test(name));
  const hidden = own.filter(
    (name) => ![name, `${name}_bucket`, `${name}_count`].some((series) => shown.has(series)),
  );
  context.diagnostic(`without a panel: ${hidden.join(", ") || "none"}`);
  assert.ok(hidden.length < own.length / 4, `too many: ${hidden.join(", ")}`);
});

test("every alert has its place in the document, and the document knows no other", () => {
  const documented = [...read("docs/deploy.md").matchAll(/^\| `(Plexus\w+)` \|/gm)].map((match) => match[1]!);
  const alerts = rules.flatMap(({ alert }) => alert ?? []);
  assert.deepEqual(documented.sort(), alerts.sort());
});

test("scrape configurations give every target the labels that rules go by", () => {
  const compose = parse(read("deploy/observability/prometheus/prometheus.yml"));
  for (const { targets, labels } of compose.scrape_configs[0].static_configs) {
    assert.ok(labels.process && labels.instance, String(targets));
    assert.equal(labels.process === "worker", labels.cell !== undefined, String(targets));
  }
  const kubernetes = parse(read("deploy/observability/prometheus/prometheus-kubernetes.yml"));
  const given = kubernetes.scrape_configs[0].relabel_configs.map(
    (rule: { target_label?: string }) => rule.target_label,
  );
  for (const label of TARGET_LABELS) assert.ok(given.includes(label), label);
  const adapter = parse(read("deploy/observability/prometheus/adapter-rules.yml"));
  for (const { seriesQuery, metricsQuery } of adapter.rules.custom)
    for (const [name] of `${seriesQuery} ${metricsQuery}`.matchAll(/plexus_\w+/g))
      assert.ok(metricOf(name) !== undefined, `${seriesQuery}: ${name}`);
});
