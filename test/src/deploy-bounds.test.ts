/** What runs in containers is bounded, pinned, and given the time that it takes to begin and to end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ComposeService,
  filesBelow,
  type Kustomization,
  manifests,
  read,
  yaml,
} from "./harness/manifests.js";

const KUBERNETES = "deploy/kubernetes";
const MIB = 2 ** 20;
const UNITS: Record<string, number> = { Mi: MIB, MiB: MIB, Gi: 1_024 * MIB, g: 1_024 * MIB };

const objects = ["hub", "cell"].flatMap((folder) =>
  yaml<Kustomization>(`${KUBERNETES}/${folder}/kustomization.yaml`).resources!.flatMap((file) =>
    manifests(`${KUBERNETES}/${folder}/${file}`).map((one) => ({
      where: `${folder}/${one.metadata.name}`,
      ...one,
    })),
  ),
);
const pods = objects
  .filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet")
  .map(({ where, spec }) => ({ where, replicas: spec.replicas, ...spec.template.spec }));

/** Bytes of `1750MiB`, `2Gi`, `1g`. */
function bytesOf(text: string): number {
  const [, amount, unit] = /^([\d.]+)([A-Za-z]+)$/.exec(text) ?? [];
  const factor = UNITS[unit ?? ""];
  assert.ok(factor !== undefined, text);
  return Number(amount) * factor;
}

test("compose: every container is without rights, bounded, and keeps its logs short", () => {
  const { services } = yaml<{ services: Record<string, ComposeService> }>("deploy/docker/compose.yaml");
  for (const [name, service] of Object.entries(services)) {
    assert.ok(service.read_only, `${name}: its root is read only`);
    assert.deepEqual(service.cap_drop, ["ALL"], name);
    assert.deepEqual(service.security_opt, ["no-new-privileges:true"], name);
    assert.ok(bytesOf(service.mem_limit!) > 0 && service.pids_limit! > 0, name);
    assert.ok(service.logging?.options["max-size"] && service.logging.options["max-file"], name);
    assert.equal(service.restart, service.profiles?.includes("tools") ? "no" : "unless-stopped", name);
  }
});

test("Kubernetes: every pod has the system's filter of calls, and longer to end than its processes take", () => {
  const deadlineS = Number(/STOP_DEADLINE_MS = (\d+)_000/.exec(read("shared/runtime/src/lifecycle.ts"))![1]);
  for (const { where, securityContext, terminationGracePeriodSeconds, containers } of pods) {
    assert.deepEqual(securityContext.seccompProfile, { type: "RuntimeDefault" }, where);
    const [{ image, lifecycle }] = containers as [(typeof containers)[number]];
    if (!image.startsWith("plexus-")) continue;
    const waitsS = Number(lifecycle?.preStop.exec?.command[1] ?? 0);
    assert.ok(terminationGracePeriodSeconds > waitsS + deadlineS, where);
  }
});

test("Kubernetes: a NATS server that is alone ends at once, reads a large log in peace, and knows its memory", () => {
  const servers = pods.filter(({ containers }) => containers[0]!.image === "nats");
  assert.equal(servers.length, 2);
  for (const { where, replicas, containers } of servers) {
    const [{ lifecycle, startupProbe, env, resources }] = containers as [(typeof containers)[number]];
    assert.equal(replicas, 1, where);
    // Lame duck mode sends clients to the other servers over half a minute; there is none.
    assert.equal(lifecycle, undefined, where);
    assert.ok(!read(`${KUBERNETES}/${where}.conf`).includes("lame_duck"), where);
    assert.ok(startupProbe!.periodSeconds! * startupProbe!.failureThreshold! >= 1_800, where);
    const goal = bytesOf(env!.find(({ name }) => name === "GOMEMLIMIT")!.value!);
    const limit = bytesOf(resources.limits.memory!);
    assert.ok(goal < limit && goal > 0.8 * limit, `${where}: ${goal} of ${limit}`);
  }
});

test("Kubernetes: budgets that let one go let go what is not ready anyway", () => {
  const budgets = objects.filter(({ kind }) => kind === "PodDisruptionBudget");
  for (const { where, spec } of budgets)
    assert.equal(
      spec.unhealthyPodEvictionPolicy,
      spec.maxUnavailable === 1 ? "AlwaysAllow" : undefined,
      where,
    );
  assert.equal(budgets.filter(({ spec }) => spec.maxUnavailable === 1).length, 3);
});

test("images of others are pinned to a version with all of its numbers, the same everywhere", () => {
  const found = new Map<string, Set<string>>();
  const note = (name: string, tag: string) => {
    assert.match(tag, /^v?\d+\.\d+\.\d+/, name);
    found.set(name, (found.get(name) ?? new Set()).add(tag));
  };
  for (const path of filesBelow(`${KUBERNETES}/overlays`).filter((one) => one.endsWith("kustomization.yaml")))
    for (const { name, newTag } of yaml<Kustomization>(path).images ?? []) note(name, newTag);
  const dockerfile = read("deploy/docker/Dockerfile");
  for (const [, name, tag] of dockerfile.matchAll(/^(?:FROM |ARG NODE=)([a-z]+):(\S+)/gm)) note(name!, tag!);
  const compose = read("deploy/docker/compose.yaml");
  for (const [, name, tag] of compose.matchAll(/image: ([a-z/]+):(\S+)/g)) note(name!, tag!);
  for (const name of ["nats", "redis", "node"]) assert.ok(found.has(name), name);
  for (const [name, tags] of found) assert.equal(tags.size, 1, `${name}: ${[...tags].join(", ")}`);
});
