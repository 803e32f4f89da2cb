/**
 * A flame graph (Brendan Gregg, 2011) of a CPU profile as Node writes it, the root on top: how wide a function is says
 * for how much of the samples it was on the stack. What is on V8's own account has no file; libraries and this project's
 * functions are told apart by theirs.
 */
import { escaped } from "./svg.js";

/** The part of a `.cpuprofile` that counts here. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  /** Samples in which it was the function that ran. */
  readonly hitCount?: number;
  readonly children?: readonly number[];
}

/** A function as it was called from where it stands: calls from the same place are one. */
interface Frame {
  readonly name: string;
  readonly kind: "own" | "library" | "engine";
  samples: number;
  readonly calls: Map<string, Frame>;
}

const WIDTH = 1_200;
const ROW = 17;
const TOP = 30;
/** Narrower ones are left out: they could be neither read nor hovered over. */
const LEAST_WIDTH = 1.5;
const CHARACTER_WIDTH = 6.2;
/** Deeper ones are left out. */
const MAX_DEPTH = 40;
/** Samples in which nothing ran. */
const IDLE = "(idle)";

/** @param title in front of the number of samples */
export function flameOf(profile: CpuProfile, title: string): string {
  const root = treeOf(profile);
  const rows: string[] = [];
  const perSample = WIDTH / Math.max(1, root.samples);
  const depth = draw(root, 0, 0, { perSample, all: root.samples, rows });
  const text = `${title}: ${root.samples.toLocaleString("en-US")} samples of a running process`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${TOP + depth * ROW}" role="img" aria-label="${escaped(text)}">
<style>
text { font: 11px system-ui, sans-serif; fill: #10151c; }
.title { font-size: 14px; font-weight: 600; fill: #24292f; }
.own { fill: #7fb0ff; } .library { fill: #c3cbd6; } .engine { fill: #f2b36b; }
rect { stroke: #fff; stroke-width: 0.5; }
@media (prefers-color-scheme: dark) { .title { fill: #e6edf3; } }
</style>
<text class="title" x="0" y="18">${escaped(text)}</text>
${rows.join("\n")}
</svg>
`;
}

function treeOf({ nodes }: CpuProfile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const root: Frame = { name: "all", kind: "engine", samples: 0, calls: new Map() };
  const add = (node: ProfileNode, into: Frame): number => {
    const { functionName, url } = node.callFrame;
    if (functionName === IDLE) return 0;
    const name = functionName === "" ? "(anonymous)" : functionName;
    const key = `${name} ${url}`;
    let frame = into.calls.get(key);
    if (frame === undefined) {
      frame = {
        name: url === "" ? name : `${name} ${placeOf(url)}`,
        kind: kindOf(url),
        samples: 0,
        calls: new Map(),
      };
      into.calls.set(key, frame);
    }
    let samples = node.hitCount ?? 0;
    for (const child of node.children ?? []) samples += add(byId.get(child)!, frame);
    frame.samples += samples;
    return samples;
  };
  const top = nodes[0];
  for (const child of top?.children ?? []) root.samples += add(byId.get(child)!, root);
  return root;
}

interface Sheet {
  readonly perSample: number;
  readonly all: number;
  readonly rows: string[];
}

/** @returns how deep it became */
function draw(frame: Frame, x: number, depth: number, sheet: Sheet): number {
  const width = frame.samples * sheet.perSample;
  if (width < LEAST_WIDTH || depth === MAX_DEPTH) return depth;
  const y = TOP + depth * ROW;
  const share = ((100 * frame.samples) / sheet.all).toFixed(1);
  const at = `x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}"`;
  const fitting = Math.floor((width - 6) / CHARACTER_WIDTH);
  const shown = fitting < 4 ? "" : frame.name.slice(0, fitting);
  const label = shown === "" ? "" : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escaped(shown)}</text>`;
  const title = `<title>${escaped(frame.name)}: ${share} %</title>`;
  sheet.rows.push(`<g><rect class="${frame.kind}" ${at}>${title}</rect>${label}</g>`);
  let deepest = depth + 1;
  let from = x;
  for (const call of [...frame.calls.values()].sort((a, b) => b.samples - a.samples)) {
    deepest = Math.max(deepest, draw(call, from, depth + 1, sheet));
    from += call.samples * sheet.perSample;
  }
  return deepest;
}

function kindOf(url: string): Frame["kind"] {
  if (url === "") return "engine";
  return url.startsWith("node:") || url.includes("/node_modules/") ? "library" : "own";
}

/** Where the function is, without where the project lies. */
function placeOf(url: string): string {
  const parts = url.split("/");
  const library = parts.lastIndexOf("node_modules");
  return library === -1 ? parts.slice(-1).join("/") : parts.slice(library + 1, library + 3).join("/");
}
