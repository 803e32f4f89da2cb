import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Cell } from "../api-types.js";
import { shareOfChannels } from "../model/cells.js";
import { plural, rate } from "../model/format.js";
import { type Box, MAP, pixel, placeLabels, type Size, type Spot, spotsOf } from "../model/map.js";
import type { Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { State } from "./icons.js";

const MERIDIANS = [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330];
const PARALLELS = [30, 60, 90, 120];
/** Radius in pixels of a cell's disc: of one without channels, and what the whole of them adds. */
const DISC = { least: 5, more: 13 };

/** Regions where they lie, as far as their names say it; a label each, with its cells. */
export function CellMap({ session, onMark }: { session: Session; onMark(cell: string): void }) {
  const { cells } = useStore(session.known);
  const all = cells?.cells ?? [];
  const spots = spotsOf(all.map(({ region }) => region));
  const { root, size, boxes } = useLabels(spots);
  const someUnknown = spots.some(({ isKnown }) => !isKnown);
  return (
    <section class="panel map" aria-labelledby="map-title">
      <h2 id="map-title">
        Regions {someUnknown && <span class="soft small">at the lower edge: whose place is not known</span>}
      </h2>
      <div class="world" ref={root} data-testid="map">
        <svg
          viewBox={`${MAP.left} ${MAP.top} ${MAP.width} ${MAP.height}`}
          aria-hidden="true"
          focusable="false"
        >
          <g class="graticule">
            {MERIDIANS.map((x) => (
              <path key={x} d={`M${x} ${MAP.top}v${MAP.height}`} />
            ))}
            {PARALLELS.map((y) => (
              <path key={y} d={`M${MAP.left} ${y}h${MAP.width}`} class={y === 90 ? "equator" : ""} />
            ))}
          </g>
          <path class="land" d={LAND_PATH} />
        </svg>
        <svg class="spots" viewBox={`0 0 ${size.width} ${size.height}`} aria-hidden="true" focusable="false">
          {spots.map((spot, i) => (
            <Disc key={spot.region} spot={spot} size={size} box={boxes[i]} cells={all} />
          ))}
        </svg>
        {spots.map((spot, i) => (
          <ul
            key={spot.region}
            class="label"
            aria-label={`Region ${spot.region}`}
            style={boxes[i] === undefined ? {} : { left: `${boxes[i].left}px`, top: `${boxes[i].top}px` }}
          >
            {all
              .filter(({ region }) => region === spot.region)
              .map((cell) => (
                <Label key={cell.id} cell={cell} onMark={onMark} />
              ))}
          </ul>
        ))}
      </div>
    </section>
  );
}

function Label({ cell, onMark }: { cell: Cell; onMark(cell: string): void }) {
  const title = `${cell.id}: ${cell.state}, ${plural(cell.channels, "channel")}, ${rate(cell.rate)} messages/s`;
  return (
    <li>
      <button
        type="button"
        data-testid={`map-${cell.id}`}
        aria-label={title}
        title={title}
        onClick={() => onMark(cell.id)}
      >
        <State state={cell.state}>{cell.id}</State>
        <span class="figure">{rate(cell.rate)}/s</span>
      </button>
    </li>
  );
}

/** As large as its share of the channels; a line leads to a label that had to move away. */
function Disc({ spot, size, box, cells }: { spot: Spot; size: Size; box: Box | undefined; cells: Cell[] }) {
  const { x, y } = pixel(spot, size);
  const own = cells.filter(({ region }) => region === spot.region);
  const share = own.reduce((sum, cell) => sum + shareOfChannels(cell, cells), 0);
  const radius = DISC.least + DISC.more * Math.sqrt(share);
  const isServing = own.some(({ state }) => state === "active" || state === "draining");
  return (
    <g data-serving={isServing} data-known={spot.isKnown}>
      {box !== undefined && (
        <path
          class="leader"
          d={`M${x} ${y}L${box.left < x ? box.left + box.width : box.left} ${box.top + box.height / 2}`}
        />
      )}
      <circle class="halo" cx={x} cy={y} r={radius} />
      <circle class="core" cx={x} cy={y} r={3.5} />
    </g>
  );
}

/** Labels are laid out when their sizes are known: after they were drawn, and whenever the map's own size changes. */
function useLabels(spots: readonly Spot[]) {
  const root = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Size>({ width: MAP.width, height: MAP.height });
  const [boxes, setBoxes] = useState<Box[]>([]);
  useLayoutEffect(() => {
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = root.current!;
      setSize({ width, height });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(root.current!);
    measure();
    return () => observer.disconnect();
  }, []);
  const names = spots.map(({ region }) => region).join();
  useLayoutEffect(() => {
    const look = () => {
      const labels = [...root.current!.querySelectorAll<HTMLElement>(".label")];
      const sizes = labels.map(({ offsetWidth: width, offsetHeight: height }) => ({ width, height }));
      setBoxes(placeLabels(spots, sizes, size));
    };
    look();
    // A label grows with its figures, but not so much that it would have to be moved each time.
  }, [names, size.width, size.height]);
  return { root, size, boxes };
}
