/**
 * Images, compose file, Kubernetes manifests and proxies agree with each other and with the processes that they run. They
 * are read, not run: there is no container here.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { WORKER_FLAGS } from "@plexus/deploy/launcher";
import { type OptionDeclarations, readOptions } from "@plexus/runtime";
import {
  type ComposeService,
  type Container,
  dockerStages,
  filesBelow,
  instructions,
  type Kustomization,
  type Manifest,
  manifests,
  ROOT,
  read,
  type Selector,
  yaml,
} from "./harness/manifests.js";

const DOCKERFILE = "deploy/docker/Dockerfile";
const KUBERNETES = "deploy/kubernetes";
/** Kind of process → the file that declares its options, and the name of what it exports. */
const OPTIONS = {
  gateway: ["gateway/dist/options.js", "gatewayOptions"],
  worker: ["cells/dist/options.js", "workerOptions"],
  admin: ["deploy/dist/admin/options.js", "adminOptions"],
  hooks: ["deploy/dist/hooks/options.js", "hooksOptions"],
} as const;
type Process = keyof typeof OPTIONS;
const PROCESSES = Object.keys(OPTIONS) as Process[];
/** Stands for what comes from a Secret. */
const SECRET = "s".repeat(64);

const stages = dockerStages(DOCKERFILE);

async function optionsOf(process: Process): Promise<OptionDeclarations> {
  const [file, name] = OPTIONS[process];
  return ((await import(join(ROOT, file))) as Record<string, OptionDeclarations>)[name]!;
}

/** What an image sets by itself. */
function imageEnv(target: string): Record<string, string> {
  const set = instructions(stages, target).filter((line) => line.startsWith("ENV "));
  return Object.fromEntries(
    set.flatMap((line) => [...line.matchAll(/(\w+)=(\S+)/g)].map(([, k, v]) => [k!, v!])),
  );
}

/** Of an instruction like `USER 1000:1000`; 0 where there is none, which is root. */
function userId(instruction: string | undefined): number {
  return Number(/^USER (\d+)/.exec(instruction ?? "")?.[1] ?? 0);
}

test("every process has an image that runs as somebody, with its program and a health check", () => {
  for (const target of [...PROCESSES, "cli"]) {
    const lines = instructions(stages, target);
    const user = lines.findLast((line) => line.startsWith("USER "));
    assert.ok(userId(user) > 0, `${target}: ${user}`);
    const starts = lines.findLast((line) => /^(CMD|ENTRYPOINT) /.test(line))!;
    const [node, ...args] = JSON.parse(starts.slice(starts.indexOf("["))) as string[];
    const program = args.find((arg) => !arg.startsWith("--"));
    assert.equal(node, "node", "as an array: a shell would not hand on signals");
    assert.ok(existsSync(join(ROOT, program!)), program);
    const copied = lines.filter((line) => line.startsWith("COPY ")).map((line) => line.split(" ").at(-1)!);
    assert.ok(
      copied.some((folder) => program!.startsWith(`${folder}/`)),
      `${target} has ${program}`,
    );
    if (target !== "cli") assert.match(lines.join("\n"), /HEALTHCHECK .*\["node", "healthcheck.mjs"\]/);
  }
});

test("images run gateways and workers with the flags of npm start", () => {
  const command = (target: string) => {
    const starts = instructions(stages, target).findLast((line) => line.startsWith("CMD "))!;
    return JSON.parse(starts.slice(4)) as string[];
  };
  assert.deepEqual(command("worker"), ["node", ...WORKER_FLAGS, "cells/dist/main.js"]);
  assert.deepEqual(command("gateway"), ["node", "gateway/dist/main.js"]);
});

test("what images copy exists, and comes from a stage that exists", () => {
  for (const [name, { base, lines }] of stages) {
    assert.ok(stages.has(base) || /^(\$\{NODE\}|[\w-]+:[\w.-]+)$/.test(base), `${name} from ${base}`);
    for (const line of lines) {
      const [, from, sources] = /^COPY (?:--from=(\S+) )?(.+) \S+$/.exec(line) ?? [];
      if (from !== undefined) assert.ok(stages.has(from), line);
      for (const source of sources?.split(" ") ?? []) {
        const path = source.replace(/^\/app\//, "");
        if (!path.endsWith("node_modules")) assert.ok(existsSync(join(ROOT, path)), line);
      }
    }
  }
  const workspaces = JSON.parse(read("package.json")).workspaces as string[];
  const manifestsCopied = stages.get("manifests")!.lines.join("\n");
  for (const folder of workspaces) assert.ok(manifestsCopied.includes(`COPY ${folder}/package.json`), folder);
});

test("compose: each service has the options that it needs, and no other", async () => {
  const { services } = yaml<{ services: Record<string, ComposeService> }>("deploy/docker/compose.yaml");
  const started = new Set<string>();
  for (const [name, service] of Object.entries(services)) {
    const target = service.build?.target;
    if (target === undefined) {
      assert.match(service.image, /:\d[\w.-]+$|:v\d[\w.]+$/, `${name}: a version`);
      assert.ok(userId(`USER ${service.user}`) > 0, `${name} runs as somebody`);
    } else {
      assert.ok(stages.has(target), target);
      assert.equal(service.build!.dockerfile, DOCKERFILE);
    }
    for (const other of Object.keys(service.depends_on ?? {})) assert.ok(other in services, other);
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, `${name}: on loopback`);
    for (const [, file] of (service.volumes ?? []).join("\n").matchAll(/^(\.\S+?):/gm))
      assert.ok(existsSync(join(ROOT, "deploy/docker", file!)), `${name}: ${file}`);
    if (!(target! in OPTIONS)) continue;
    started.add(target!);
    readOptions(await optionsOf(target as Process), {
      ...imageEnv(target!),
      ...filled(service.environment!),
    });
  }
  assert.deepEqual([...started].sort(), [...PROCESSES].sort());
});

/** Values that are asked for from outside are given. */
function filled(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replace(/^\$\{.*\}$/, SECRET)]),
  );
}

const objects = ["hub", "cell"].flatMap((folder) => {
  const { resources } = yaml<Kustomization>(`${KUBERNETES}/${folder}/kustomization.yaml`);
  return resources!.flatMap((file) =>
    manifests(`${KUBERNETES}/${folder}/${file}`).map((manifest) => ({ folder, ...manifest })),
  );
});
const workloads = objects.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet");
const literals = overlays().flatMap(({ kustomization }) =>
  (kustomization.configMapGenerator ?? []).map(({ name, literals = [] }) => ({ name, literals })),
);

function overlays(): Array<{ name: string; kustomization: Kustomization }> {
  return filesBelow(`${KUBERNETES}/overlays`)
    .filter((path) => path.endsWith("kustomization.yaml"))
    .map((path) => ({ name: dirname(path), kustomization: yaml<Kustomization>(path) }));
}

/** Its environment with each of the ConfigMaps that it may get. */
function environments({ env = [], envFrom = [] }: Container): Array<Record<string, string>> {
  const own = Object.fromEntries(
    env.map(({ name, value }) => [name, value ?? (name.endsWith("_ID") ? "worker-0" : SECRET)]),
  );
  const [from] = envFrom;
  if (from === undefined) return [own];
  const given = literals.filter(({ name }) => name === from.configMapRef.name);
  assert.ok(given.length > 0, `an overlay makes ${from.configMapRef.name}`);
  return given.map(({ literals }) => ({
    ...Object.fromEntries(literals.map((literal) => literal.split(/=(.*)/s).slice(0, 2) as [string, string])),
    ...own,
  }));
}

for (const { folder, metadata, spec } of workloads)
  test(`Kubernetes: ${folder}/${metadata.name} is started right, watched right, and may do nothing else`, async () => {
    const { spec: pod, metadata: podMetadata } = spec.template;
    assert.equal(pod.enableServiceLinks, false, "or variables of Services end a process");
    assert.equal(pod.automountServiceAccountToken, false);
    assert.ok(pod.securityContext.runAsNonRoot && pod.securityContext.runAsUser > 0);
    assert.equal(podMetadata.labels["app.kubernetes.io/part-of"], "plexus");
    assert.ok(matches(spec.selector, podMetadata.labels));
    for (const { labelSelector } of pod.topologySpreadConstraints ?? [])
      assert.ok(matches(labelSelector, podMetadata.labels));
    const [container] = pod.containers as [Container];
    assert.ok(container.resources.requests.cpu && container.resources.limits.memory);
    const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = container.securityContext;
    assert.deepEqual(
      [allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities.drop],
      [false, true, ["ALL"]],
    );
    const ports = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]));
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe])
      if (probe?.httpGet !== undefined) assert.ok(ports.has(probe.httpGet.port), probe.httpGet.port);
    const process = PROCESSES.find((kind) => kind === metadata.name);
    if (process === undefined) return;
    assert.equal(container.image, `plexus-${process}`);
    const declared = await optionsOf(process);
    for (const env of environments(container)) readOptions(declared, { ...imageEnv(process), ...env });
    assert.equal(String(ports.get("ops")), imageEnv(process).PLEXUS_OPS_PORT);
    if (process === "gateway") assert.equal(String(ports.get("clients")), imageEnv(process).PLEXUS_PORT);
    if (process === "admin") assert.equal(String(ports.get("admin")), imageEnv(process).PLEXUS_ADMIN_PORT);
    const { startupProbe, livenessProbe, readinessProbe } = container;
    assert.deepEqual(
      [startupProbe, livenessProbe, readinessProbe].map((probe) => [
        probe?.httpGet?.path,
        probe?.httpGet?.port,
      ]),
      [
        ["/healthz", "ops"],
        ["/healthz", "ops"],
        ["/readyz", "ops"],
      ],
    );
  });

test("Kubernetes: a gateway is given the time that it takes to send its clients away", async () => {
  const gateways = manifests(`${KUBERNETES}/hub/gateway.yaml`);
  const of = (kind: string) => gateways.find((one) => one.kind === kind)!.spec;
  const { terminationGracePeriodSeconds, containers } = of("Deployment").template.spec;
  const [{ env = [], lifecycle }] = containers as [Container];
  const waits = Number(lifecycle!.preStop.exec!.command[1]);
  const set = Object.fromEntries(
    env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
  const { stopWithinMs, stopGraceMs, drainPerSecond } = readOptions(await optionsOf("gateway"), {
    ...set,
    PLEXUS_GATEWAY_ID: "g1",
    PLEXUS_TOKEN_SECRET: "s".repeat(32),
  }) as Record<string, number>;
  // The process ends itself by then.
  assert.ok(waits > 0 && terminationGracePeriodSeconds > waits + stopWithinMs! / 1_000);
  const { target } = of("HorizontalPodAutoscaler").metrics.find(
    ({ pods }) => pods?.metric.name === "plexus_connections",
  )!.pods!;
  const { stopPace } = await import(join(ROOT, "gateway/dist/drain.js"));
  const stop = { perSecond: drainPerSecond, graceMs: stopGraceMs, withinMs: stopWithinMs };
  assert.equal(stopPace(Number(target.averageValue), stop), drainPerSecond, "nobody has to be hurried");
});

function matches(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Record<string, string>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) =>
      operator === "In" ? values.includes(labels[key] ?? "") : key in labels,
    )
  );
}

/** The workloads of the same folder that a selector finds. */
function found(folder: string, selector: Selector) {
  return workloads.filter(
    (workload) => workload.folder === folder && matches(selector, workload.spec.template.metadata.labels),
  );
}

test("Kubernetes: Services, disruption budgets, autoscalers and policies find their pods and ports", () => {
  for (const { folder, kind, metadata, spec } of objects) {
    const where = `${folder}/${kind} ${metadata.name}`;
    if (kind === "Service") {
      const [workload, ...more] = found(folder, { matchLabels: spec.selector });
      assert.ok(workload !== undefined && more.length === 0, where);
      const ports = workload.spec.template.spec.containers[0]!.ports.map(({ name }) => name);
      for (const { targetPort } of spec.ports)
        assert.ok(ports.includes(targetPort), `${where}: ${targetPort}`);
    } else if (kind === "PodDisruptionBudget") assert.equal(found(folder, spec.selector).length, 1, where);
    else if (kind === "HorizontalPodAutoscaler") {
      const { kind: scaled, name } = spec.scaleTargetRef;
      assert.ok(
        workloads.some((one) => one.folder === folder && one.kind === scaled && one.metadata.name === name),
        where,
      );
      assert.ok(spec.minReplicas >= 2 && spec.behavior.scaleDown.stabilizationWindowSeconds >= 300, where);
      const adapter = read("deploy/observability/prometheus/adapter-rules.yml");
      for (const { type, pods } of spec.metrics)
        if (type === "Pods")
          assert.ok(
            adapter.includes(`'${pods!.metric.name}{`) || adapter.includes(`{ as: ${pods!.metric.name} }`),
            `${where}: ${pods!.metric.name}`,
          );
    } else if (kind === "NetworkPolicy") assertPolicy(folder, where, spec);
  }
  for (const folder of ["hub", "cell"]) {
    const denied = objects.find((one) => one.folder === folder && one.metadata.name === "deny-all")!;
    assert.deepEqual(
      [denied.spec.podSelector, denied.spec.ingress, denied.spec.egress],
      [{}, undefined, undefined],
    );
  }
});

function assertPolicy(folder: string, where: string, spec: Manifest["spec"]): void {
  const own = found(folder, spec.podSelector);
  assert.ok(own.length > 0, where);
  const portsOf = (pods: typeof own) =>
    pods.map((pod) => pod.spec.template.spec.containers[0]!.ports.map(({ containerPort }) => containerPort));
  for (const { from, ports } of spec.ingress ?? []) {
    for (const { port } of ports!)
      assert.ok(
        portsOf(own).every((open) => open.includes(port)),
        `${where}: ${port}`,
      );
    for (const { podSelector, namespaceSelector } of from!)
      if (namespaceSelector === undefined) assert.ok(found(folder, podSelector!).length > 0, where);
  }
  for (const { to, ports } of spec.egress ?? [])
    for (const { podSelector, namespaceSelector } of to!)
      if (podSelector !== undefined && namespaceSelector === undefined)
        for (const { port } of ports!)
          assert.ok(
            portsOf(found(folder, podSelector)).every((open) => open.includes(port)),
            `${where}: ${port}`,
          );
}

test("Kubernetes: what kustomizations name exists, and each image has a version", () => {
  for (const path of filesBelow(KUBERNETES).filter((name) => name.endsWith("kustomization.yaml"))) {
    const here = dirname(path);
    const {
      resources = [],
      components = [],
      configMapGenerator = [],
      images = [],
      patches = [],
    } = yaml<Kustomization>(path);
    const files = configMapGenerator.flatMap((map) => map.files ?? []);
    for (const name of [...resources, ...components, ...files])
      assert.ok(existsSync(join(ROOT, here, name)), `${path}: ${name}`);
    for (const { name, newTag } of images) {
      assert.ok(
        workloads.some(({ spec }) => spec.template.spec.containers.some(({ image }) => image === name)),
        name,
      );
      assert.match(newTag, /^\d/, `${path}: ${name}`);
    }
    for (const { target } of patches)
      assert.ok(
        objects.some(({ kind, metadata }) => kind === target.kind && metadata.name === target.name),
        `${path}: ${target.kind} ${target.name}`,
      );
  }
  const cells = overlays().filter(
    ({ kustomization }) => kustomization.configMapGenerator?.[0]?.name === "cell",
  );
  assert.ok(cells.length >= 2);
  for (const { name, kustomization } of cells) {
    const id = /PLEXUS_CELL=(\S+)/.exec(kustomization.configMapGenerator![0]!.literals!.join(" "))![1];
    assert.equal(kustomization.namespace, `plexus-${id}`);
    const [namespace] = manifests(`${name}/namespace.yaml`);
    assert.equal(namespace!.metadata.labels!["plexus.dev/cell"], id);
  }
});

test("no file has a secret's value", () => {
  for (const path of [
    ...filesBelow("deploy/docker"),
    ...filesBelow(KUBERNETES),
    ...filesBelow("deploy/proxies"),
  ]) {
    const text = read(path);
    for (const [line] of text.matchAll(/^.*(?:SECRET|TOKEN|PASSWORD|password)\b.*[:=].*$/gm))
      assert.match(
        line,
        /[:=] ?(?:\$\{?\w+|$)|#|^\s*- name: \w+$|\{ user: leaf, password: \$/,
        `${path}: ${line}`,
      );
    assert.doesNotMatch(text, /^kind: Secret$/m, path);
  }
});

test("proxies: least connections, long silences, the client's address, health every 5 s", () => {
  const nginx = read("deploy/proxies/nginx.conf");
  const haproxy = read("deploy/proxies/haproxy.cfg");
  for (const directive of [
    "least_conn;",
    "proxy_http_version 1.1;",
    "proxy_set_header Upgrade $http_upgrade;",
  ])
    assert.ok(nginx.includes(directive), directive);
  assert.match(nginx, /proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;/);
  assert.match(nginx, /health_check uri=\/readyz port=9090 interval=5s/);
  assert.match(
    haproxy,
    /balance leastconn[\s\S]*option forwardfor[\s\S]*meth GET uri \/readyz[\s\S]*check port 9090 inter 5s/,
  );
  for (const [, seconds] of `${nginx}${haproxy}`.matchAll(/(?:proxy_read_timeout|timeout tunnel) (\d+)s/g))
    assert.ok(Number(seconds) > 45, "longer than two pings");
  assert.equal(nginx.split("{").length, nginx.split("}").length);
});
