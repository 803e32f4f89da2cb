/** The files of `deploy/` that are not ours to run here, read as what they are. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

export interface EnvEntry {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { name: string; key: string };
    readonly configMapKeyRef?: { name: string; key: string };
    readonly fieldRef?: { fieldPath: string };
  };
}

export interface Probe {
  readonly httpGet?: { path: string; port: string };
  readonly exec?: { command: string[] };
  readonly periodSeconds?: number;
  readonly failureThreshold?: number;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: string[];
  readonly ports: ReadonlyArray<{ name: string; containerPort: number }>;
  readonly env?: readonly EnvEntry[];
  readonly envFrom?: ReadonlyArray<{ configMapRef: { name: string } }>;
  readonly startupProbe?: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle?: { preStop: Probe };
  readonly resources: { requests: Record<string, string>; limits: Record<string, string> };
  readonly securityContext: {
    allowPrivilegeEscalation: boolean;
    readOnlyRootFilesystem: boolean;
    capabilities: { drop: string[] };
  };
}

export interface Selector {
  readonly matchLabels?: Record<string, string>;
  readonly matchExpressions?: ReadonlyArray<{ key: string; operator: string; values?: string[] }>;
}

export interface PodSpec {
  readonly enableServiceLinks: boolean;
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: {
    readonly runAsNonRoot: boolean;
    readonly runAsUser: number;
    readonly seccompProfile: { type: string };
  };
  readonly containers: readonly Container[];
  readonly topologySpreadConstraints?: ReadonlyArray<{ labelSelector: Selector }>;
}

export interface NetworkRule {
  readonly from?: ReadonlyArray<{ podSelector?: Selector; namespaceSelector?: Selector }>;
  readonly to?: ReadonlyArray<{ podSelector?: Selector; namespaceSelector?: Selector }>;
  readonly ports?: ReadonlyArray<{ port: number }>;
}

/** Every kind of object that is used here, as far as it is looked at. */
export interface Manifest {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { name: string; labels?: Record<string, string> };
  readonly spec: {
    readonly selector: Selector & Record<string, string>;
    readonly template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
    readonly serviceName?: string;
    readonly ports: ReadonlyArray<{ targetPort: string }>;
    readonly scaleTargetRef: { kind: string; name: string };
    readonly replicas?: number;
    readonly minReplicas: number;
    readonly metrics: ReadonlyArray<{
      type: string;
      pods?: { metric: { name: string }; target: { averageValue: string } };
    }>;
    readonly behavior: { scaleDown: { stabilizationWindowSeconds: number } };
    readonly maxUnavailable: number;
    readonly unhealthyPodEvictionPolicy?: string;
    readonly podSelector: Selector;
    readonly ingress?: readonly NetworkRule[];
    readonly egress?: readonly NetworkRule[];
  };
}

export interface Kustomization {
  readonly kind: string;
  readonly namespace?: string;
  readonly resources?: string[];
  readonly components?: string[];
  readonly images?: ReadonlyArray<{ name: string; newTag: string }>;
  readonly configMapGenerator?: ReadonlyArray<{ name: string; literals?: string[]; files?: string[] }>;
  readonly patches?: ReadonlyArray<{ target: { kind: string; name: string }; patch: string }>;
}

export interface ComposeService {
  readonly image: string;
  readonly build?: { dockerfile: string; target: string };
  readonly user?: string;
  readonly environment?: Record<string, string>;
  readonly depends_on?: Record<string, unknown>;
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly profiles?: string[];
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: string[];
  readonly security_opt?: string[];
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly logging?: { options: Record<string, string> };
}

/** All documents of a file; anything that YAML warns about is an error. */
export function manifests(path: string): Manifest[] {
  return parseAllDocuments(read(path), { merge: true, strict: true }).map((document) => {
    for (const problem of [...document.errors, ...document.warnings]) throw problem;
    return document.toJS() as Manifest;
  });
}

export function yaml<T>(path: string): T {
  return parse(read(path), { merge: true, strict: true }) as T;
}

/** Files below a folder, from the root. */
export function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(join(ROOT, path)).isFile());
}

export interface Stage {
  readonly base: string;
  readonly lines: readonly string[];
}

/** The stages of the Dockerfile by name, each with its instructions. */
export function dockerStages(path: string): Map<string, Stage> {
  const stages = new Map<string, { base: string; lines: string[] }>();
  let lines: string[] = [];
  for (const line of read(path).replaceAll("\\\n", " ").split("\n")) {
    const from = /^FROM (\S+) AS (\S+)$/.exec(line);
    if (from !== null) {
      lines = [];
      stages.set(from[2]!, { base: from[1]!, lines });
    } else if (line !== "" && !line.startsWith("#")) lines.push(line);
  }
  return stages;
}

/** All instructions that a stage consists of, those of the stages below it first. */
export function instructions(stages: ReadonlyMap<string, Stage>, name: string): string[] {
  const stage = stages.get(name);
  return stage === undefined ? [] : [...instructions(stages, stage.base), ...stage.lines];
}
