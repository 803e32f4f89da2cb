import { useEffect, useId, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clock } from "../model/format.js";
import { type Columns, KEPT_SAMPLES, type Samples } from "../model/samples.js";
import { useStore } from "../session/store.js";
import { theme } from "../session/theme.js";

/** What is shown: all that is kept, and less while there is less, but not so little that it seems to race. */
const MOST_SHOWN_MS = KEPT_SAMPLES * 1_000;
const LEAST_SHOWN_MS = 120_000;
const HEIGHT_PX = 132;
/** On a phone: the line alone, as there is no room for scales. */
const COMPACT_HEIGHT_PX = 44;
const COMPACT = matchMedia("(width < 640px)");
/** A scale that ends below this would make noise look like load. */
const LEAST_TOP = 1;
const DASH = [5, 4];
/** Whole minutes, as that is what is written below them. */
const TICKS_MS = [60_000, 120_000, 300_000];

export interface Line<K extends string> {
  readonly figure: K;
  readonly label: string;
  /** Drawn dashed and in a quieter colour. */
  readonly isSecond?: boolean;
  readonly isDanger?: boolean;
}

interface Props<K extends string> {
  title: string;
  lines: ReadonlyArray<Line<K>>;
  samples: Samples<K>;
  /** Time of the newest sample. */
  newest: number | null;
  isStale: boolean;
  format(value: number | null | undefined): string;
}

/** A chart with its values in words: those of the moment, or of where the pointer is. */
export function Chart<K extends string>({ title, lines, samples, newest, isStale, format }: Props<K>) {
  const id = useId();
  const root = useRef<HTMLElement>(null);
  const columns = samples.columns(lines.map(({ figure }) => figure));
  const [pointed, setPointed] = useState<number | null>(null);
  const plot = usePlot(root, lines, format, setPointed);
  useEffect(() => plot.current?.setData(columns as uPlot.AlignedData), [newest]);
  const at = pointed ?? columns[0].length - 1;
  const time = columns[0][at];
  return (
    <section class="panel chart" aria-labelledby={id} ref={root} data-stale={isStale}>
      <h2 id={id}>
        {title}
        {isStale && <span class="stale">stale</span>}
        {pointed !== null && time !== undefined && <span class="soft figure">{clock(time, Date.now())}</span>}
      </h2>
      <dl class="values">
        {lines.map(({ label, isSecond, isDanger }, i) => (
          <div key={label}>
            <dt>
              <Swatch isSecond={isSecond} isDanger={isDanger} />
              {label}
            </dt>
            <dd class="figure" data-testid={`value-${label}`}>
              {format(columns[i + 1]?.[at])}
            </dd>
          </div>
        ))}
      </dl>
      <div
        class="plot"
        role="img"
        aria-label={`${title}, the last ten minutes. ${rangesOf(columns, lines, format)}`}
      />
    </section>
  );
}

/** Also where the chart takes its colours from: a canvas knows no style sheet. */
function Swatch({ isSecond = false, isDanger = false }: { isSecond?: boolean; isDanger?: boolean }) {
  return (
    <svg
      class={`swatch${isSecond ? " second" : ""}${isDanger ? " danger-line" : ""}`}
      viewBox="0 0 18 4"
      width="18"
      height="4"
      aria-hidden="true"
      focusable="false"
    >
      <path d="M0 2h18" {...(isSecond ? { "stroke-dasharray": "5 4" } : {})} />
    </svg>
  );
}

function rangesOf<K extends string>(
  columns: Columns,
  lines: ReadonlyArray<Line<K>>,
  format: Props<K>["format"],
) {
  return lines
    .map(({ label }, i) => {
      const values = (columns[i + 1] ?? []).filter((value) => value !== null);
      if (values.length === 0) return `${label}: not measured.`;
      return `${label}: between ${format(Math.min(...values))} and ${format(Math.max(...values))}.`;
    })
    .join(" ");
}

/** The drawing itself; made anew where the colours change, and resized with its section. */
function usePlot<K extends string>(
  root: { readonly current: HTMLElement | null },
  lines: ReadonlyArray<Line<K>>,
  format: Props<K>["format"],
  onPoint: (at: number | null) => void,
) {
  const plot = useRef<uPlot | null>(null);
  const { isDark, choice } = useStore(theme);
  const isCompact = useMatch(COMPACT);
  useEffect(() => {
    const target = root.current!.querySelector<HTMLElement>(".plot")!;
    const options = optionsOf(root.current!, lines, format, onPoint, isCompact);
    const before = plot.current?.data ?? [[], ...lines.map(() => [])];
    plot.current = new uPlot({ ...options, width: target.clientWidth }, before as uPlot.AlignedData, target);
    const observer = new ResizeObserver(() =>
      plot.current?.setSize({ width: target.clientWidth, height: options.height }),
    );
    observer.observe(target);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
    };
  }, [isDark, choice, isCompact]);
  return plot;
}

function shownMs(span: number): number {
  return Math.min(MOST_SHOWN_MS, Math.max(LEAST_SHOWN_MS, span));
}

function useMatch(media: MediaQueryList): boolean {
  const [matches, setMatches] = useState(media.matches);
  useEffect(() => {
    const look = () => setMatches(media.matches);
    media.addEventListener("change", look);
    return () => media.removeEventListener("change", look);
  }, [media]);
  return matches;
}

function optionsOf<K extends string>(
  root: HTMLElement,
  lines: ReadonlyArray<Line<K>>,
  format: Props<K>["format"],
  onPoint: (at: number | null) => void,
  isCompact: boolean,
): Omit<uPlot.Options, "width"> {
  const swatches = [...root.querySelectorAll(".swatch")].map((swatch) => getComputedStyle(swatch).color);
  const style = getComputedStyle(root.querySelector(".plot")!);
  const axis: uPlot.Axis = {
    show: !isCompact,
    stroke: style.color,
    font: `11px ${style.fontFamily}`,
    grid: { stroke: style.borderTopColor, width: 1 },
    ticks: { show: false },
  };
  return {
    height: isCompact ? COMPACT_HEIGHT_PX : HEIGHT_PX,
    ms: 1,
    padding: isCompact ? [3, 0, 3, 0] : [8, 8, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false, setScale: false }, points: { size: 7 } },
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
    scales: {
      x: { time: true, range: (_, min, max) => [max - shownMs(max - min), max] },
      y: { range: (_, __, max) => [0, Math.max(LEAST_TOP, (max ?? 0) * 1.1)] },
    },
    axes: [
      {
        ...axis,
        space: 70,
        size: 24,
        incrs: TICKS_MS,
        values: (_, ticks) => ticks.map((tick) => clock(tick, tick).slice(0, 5)),
      },
      { ...axis, space: 32, size: 48, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map(({ isSecond = false }, i) => ({
        stroke: swatches[i]!,
        width: isSecond ? 1.25 : 1.75,
        points: { show: false },
        ...(isSecond ? { dash: DASH } : {}),
      })),
    ],
  };
}
