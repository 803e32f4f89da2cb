/** Everything that is generated for Grafana and Prometheus: path from the repository's root → text. */
import { cell } from "./cell.js";
import { gateway } from "./gateway.js";
import { overview } from "./overview.js";
import { grafanaDashboard } from "./panels.js";
import { rulesFile } from "./rules.js";
import { tenant } from "./tenant.js";

export const DASHBOARDS = { overview, cell, gateway, tenant };

export function observabilityFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [name, dashboard] of Object.entries(DASHBOARDS))
    files.set(
      `deploy/observability/grafana/${name}.json`,
      `${JSON.stringify(grafanaDashboard(dashboard), null, 2)}\n`,
    );
  files.set("deploy/observability/prometheus/rules.yml", rulesFile());
  return files;
}
