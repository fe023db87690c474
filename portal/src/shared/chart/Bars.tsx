import { useId, useRef, useState, type PointerEvent } from "react";
import { cx } from "@/shared/ui/cx";
import { axisRoom, barPlot, heights, labelStride, niceMost, type Bar, type Datum, type Frame, type PartKind } from "./geometry";
import { Patterns } from "./Patterns";
import { useWidth } from "./useWidth";

export interface BarDatum extends Datum {
  key: string;
  /** Under the axis; empty where there is nothing to write. */
  label: string;
  /** The whole datum in words: "18 November, 8.0 kWh, R$7.31". */
  words: () => string;
  /** Yet to come: neither known nor a gap. */
  future?: boolean;
}

interface BarsProps {
  data: readonly BarDatum[];
  /** The finding, as one sentence: the name of the picture. */
  summary: string;
  /** The name of the cursor. */
  cursorLabel: string;
  formatTick: (value: number, most: number) => string;
  unit: string;
  /** What the line above the chart says while nothing is pointed at. */
  rest: string;
  height?: number;
  selection?: readonly [number, number] | null;
  onSelect?: (first: number, last: number) => void;
  /** One level in. */
  onOpen?: (index: number) => void;
  /** Every n-th label, where the data has a rhythm of its own (hours of a day). */
  every?: number;
}

const thumb = 16;
const fills: Record<PartKind, string> = { base: "fill-off-peak-soft", off_peak: "fill-off-peak", shoulder: "fill-shoulder", peak: "fill-peak" };

export function Bars({ data, summary, cursorLabel, formatTick, unit, rest, height = 260, selection, onSelect, onOpen, every }: BarsProps) {
  const id = useId();
  const [ref, width] = useWidth<HTMLDivElement>();
  const [active, setActive] = useState<number | null>(null);
  const [drag, setDrag] = useState<readonly [number, number] | null>(null);
  const pressed = useRef<{ x: number; index: number } | null>(null);
  // Where a stretch that is chosen with the keyboard began.
  const anchor = useRef<number | null>(null);

  const axis = niceMost(data.flatMap(heights));
  const left = axisRoom(axis.ticks.map((tick) => formatTick(tick, axis.most)));
  const frame: Frame = { width, height, left, right: 2, top: unit === "" ? 10 : 22, bottom: 26 };
  const plot = barPlot(data, frame);
  const floor = height - frame.bottom;
  const room = width - frame.left - frame.right;
  const labelled = data.flatMap((datum, index) => (datum.label === "" ? [] : [{ ...datum, index }]));
  const stride = every ?? labelStride(labelled.length, room, Math.max(26, ...labelled.map((datum) => datum.label.length * 7 + 10)));
  const shown = active === null || active >= data.length ? null : active;
  // The cursor rests on the newest that is there.
  const newest = Math.max(0, data.findLastIndex((datum) => !datum.future));
  const chosen = drag ?? selection ?? null;

  const indexAt = (event: PointerEvent<SVGSVGElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    return Math.min(data.length - 1, Math.max(0, Math.floor((x - frame.left) / plot.band)));
  };
  const press = (event: PointerEvent<SVGSVGElement>) => {
    if (event.button !== 0) return;
    pressed.current = { x: event.clientX, index: indexAt(event) };
  };
  const move = (event: PointerEvent<SVGSVGElement>) => {
    const index = indexAt(event);
    setActive(index);
    const from = pressed.current;
    if (!from || !onSelect) return;
    if (drag || Math.abs(event.clientX - from.x) > 8) {
      if (!drag) event.currentTarget.setPointerCapture(event.pointerId);
      setDrag([Math.min(from.index, index), Math.max(from.index, index)]);
    }
  };
  const release = (event: PointerEvent<SVGSVGElement>) => {
    const from = pressed.current;
    pressed.current = null;
    if (drag && onSelect) onSelect(drag[0], drag[1]);
    // A finger points first; only a mouse, which has pointed already, goes in at once.
    else if (from && onOpen && event.pointerType === "mouse") onOpen(indexAt(event));
    setDrag(null);
  };

  const readout = shown === null ? rest : data[shown]?.words();
  return (
    <div ref={ref} className="min-w-0">
      <p className="tabular min-h-6 text-sm text-muted" aria-hidden="true">
        {chosen && drag ? `${data[chosen[0]]?.words().split(",")[0]} – ${data[chosen[1]]?.words().split(",")[0]}` : readout}
      </p>
      <div className="relative" style={{ height: height + 28 }}>
        {width > 0 && (
          <svg
            role="img"
            aria-label={summary}
            width={width}
            height={height}
            className={cx("absolute inset-0 touch-pan-y select-none", onOpen && "cursor-pointer")}
            onPointerDown={press}
            onPointerMove={move}
            onPointerUp={release}
            onPointerCancel={() => {
              pressed.current = null;
              setDrag(null);
            }}
            onPointerLeave={() => !drag && setActive(null)}
          >
            <Patterns id={id} />
            <text x={0} y={11} className="axis-text">
              {unit}
            </text>
            {plot.ticks.map((tick) => (
              <g key={tick.value}>
                <line
                  x1={frame.left}
                  x2={width - frame.right}
                  y1={Math.round(tick.at) + 0.5}
                  y2={Math.round(tick.at) + 0.5}
                  className={tick.value === 0 ? "stroke-control" : "stroke-hairline"}
                />
                <text x={frame.left - 8} y={tick.at + 4} textAnchor="end" className="axis-text">
                  {formatTick(tick.value, plot.most)}
                </text>
              </g>
            ))}
            {chosen && (
              <rect
                x={frame.left + chosen[0] * plot.band}
                y={frame.top - 6}
                width={(chosen[1] - chosen[0] + 1) * plot.band}
                height={floor - frame.top + 6}
                rx={6}
                className="fill-brand-soft"
              />
            )}
            {plot.gaps.map((gap) => (
              <rect
                key={gap.first}
                x={gap.x}
                y={frame.top}
                width={gap.width}
                height={floor - frame.top}
                fill={`url(#${id}-gap)`}
                opacity="0.75"
              />
            ))}
            {plot.references.map((bar) => (
              <path
                key={bar.index}
                d={rounded(bar.x + 0.5, bar.y, Math.max(0.5, bar.width - 1), bar.height, 3)}
                className={plot.band > 7 ? "fill-past-soft stroke-past" : "fill-past-soft"}
                strokeOpacity="0.55"
              />
            ))}
            {plot.bars.map((bar) => (
              <Stack key={bar.index} bar={bar} id={id} inset={plot.references.length > 0 && plot.band > 7 ? bar.width * 0.14 : 0} faded={shown !== null && shown !== bar.index} />
            ))}
            {shown !== null && (
              <line x1={plot.centre(shown)} x2={plot.centre(shown)} y1={frame.top - 6} y2={floor} className="stroke-ink" strokeOpacity="0.35" />
            )}
            {labelled
              .filter((_, index) => index % stride === 0)
              .map((datum) => (
                <text key={datum.key} x={plot.centre(datum.index)} y={height - 8} textAnchor="middle" className="axis-text">
                  {datum.label}
                </text>
              ))}
          </svg>
        )}
        {data.length > 1 && width > 0 && (
          <input
            type="range"
            className="scrubber no-print"
            aria-label={cursorLabel}
            aria-valuetext={data[shown ?? newest]?.words()}
            min={0}
            max={data.length - 1}
            value={shown ?? newest}
            onChange={(event) => {
              anchor.current = null;
              setActive(Number(event.target.value));
            }}
            onFocus={(event) => event.target.matches(":focus-visible") && setActive((now) => now ?? newest)}
            onBlur={() => {
              anchor.current = null;
              setActive(null);
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter" && shown !== null) onOpen?.(shown);
              const by = event.shiftKey ? { ArrowLeft: -1, ArrowRight: 1 }[event.key] : undefined;
              if (by === undefined || !onSelect) return;
              // With Shift the cursor takes the bars that it passes along.
              event.preventDefault();
              const at = shown ?? newest;
              anchor.current ??= at;
              const next = Math.min(newest, Math.max(0, at + by));
              setActive(next);
              onSelect(Math.min(anchor.current, next), Math.max(anchor.current, next));
            }}
            style={{
              top: height,
              left: frame.left + plot.band / 2 - thumb / 2,
              width: Math.max(thumb, room - plot.band + thumb),
            }}
          />
        )}
      </div>
    </div>
  );
}

/** A bar of one part or of several, the whole with round shoulders. */
function Stack({ bar, id, inset, faded }: { bar: Bar; id: string; inset: number; faded: boolean }) {
  const x = bar.x + inset;
  const width = bar.width - 2 * inset;
  return (
    <g opacity={faded ? 0.55 : 1} data-bar={bar.index}>
      {bar.segments.map(({ kind, y, height }, place) => {
        const top = place === bar.segments.length - 1;
        const estimated = bar.estimated && kind !== "base";
        return (
          <path
            key={kind + place}
            d={rounded(x, y, width, height, top ? Math.min(4, bar.width / 3) : 0)}
            className={cx("bar", kind === "base" && "bar-base", !estimated && fills[kind])}
            fill={estimated ? `url(#${id}-estimated-${kind})` : undefined}
          />
        );
      })}
    </g>
  );
}

/** A bar with round shoulders and flat feet. */
function rounded(x: number, y: number, width: number, height: number, radius: number): string {
  const r = Math.max(0, Math.min(radius, width / 2, height));
  return `M${x} ${y + height}V${y + r}Q${x} ${y} ${x + r} ${y}H${x + width - r}Q${x + width} ${y} ${x + width} ${y + r}V${y + height}Z`;
}
