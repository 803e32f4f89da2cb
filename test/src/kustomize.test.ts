/** What kubectl makes of the overlays. Where there is no kubectl, `deploy.test.ts` alone holds the files that it reads. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { Container, Manifest } from "./harness/manifests.js";
import { ROOT, read } from "./harness/manifests.js";

const OVERLAYS = join(ROOT, "deploy/kubernetes/overlays");
const DEADLINE_MS = 60_000;

type Rendered = Manifest & { metadata: { namespace?: string }; data?: Record<string, string> };

const hasKubectl = spawnSync("kubectl", ["version", "--client"], { timeout: DEADLINE_MS }).status === 0;

function render(overlay: string): Rendered[] {
  const options = { encoding: "utf8", timeout: DEADLINE_MS } as const;
  const text = execFileSync("kubectl", ["kustomize", join(OVERLAYS, overlay)], options);
  return parseAllDocuments(text).map((document) => document.toJS() as Rendered);
}

for (const overlay of readdirSync(OVERLAYS))
  test(`${overlay}: what is rendered is whole`, (context) => {
    if (!hasKubectl) return context.diagnostic("there is no kubectl here");
    const objects = render(overlay);
    const namespace = objects.find(({ kind }) => kind === "Namespace")!.metadata.name;
    const maps = new Set(
      objects.filter(({ kind }) => kind === "ConfigMap").map(({ metadata }) => metadata.name),
    );
    let pods = 0;
    for (const { kind, metadata, spec } of objects) {
      if (kind !== "Namespace") assert.equal(metadata.namespace, namespace, metadata.name);
      if (kind !== "Deployment" && kind !== "StatefulSet") continue;
      pods++;
      const { labels } = spec.template.metadata;
      if (overlay !== "hub") assert.equal(`plexus-${labels["plexus.dev/cell"]}`, namespace);
      assertContainer(spec.template.spec.containers[0]!, maps, metadata.name);
    }
    assert.equal(pods, overlay === "hub" ? 4 : overlay.endsWith("-external") ? 1 : 3);
  });

function assertContainer(
  { image, env = [], envFrom = [] }: Container,
  maps: Set<string>,
  where: string,
): void {
  assert.match(image, /:\d/, where);
  for (const { configMapRef } of envFrom) assert.ok(maps.has(configMapRef.name), configMapRef.name);
  for (const { name, value, valueFrom } of env) {
    assert.equal(value === undefined, valueFrom !== undefined, `${where}: ${name} has one source`);
    if (valueFrom?.configMapKeyRef !== undefined) assert.ok(maps.has(valueFrom.configMapKeyRef.name), name);
    const secret = valueFrom?.secretKeyRef;
    if (secret === undefined) continue;
    const documented = read("docs/deploy.md");
    assert.ok(documented.includes(secret.name), `${where}: docs/deploy.md says how ${secret.name} is made`);
  }
}
