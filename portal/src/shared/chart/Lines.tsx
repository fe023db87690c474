import { area, curveMonotoneX, curveStepAfter, line } from "d3-shape";
import { useId, useState } from "react";
import { axisRoom, linePlot, niceMost, type Frame, type Point } from "./geometry";
import { Patterns } from "./Patterns";
import { useWidth } from "./useWidth";

export interface LinePoint extends Point {
  words: string;
}

interface LinesProps {
  points: readonly LinePoint[];
  from: number;
  to: number;
  summary: string;
  cursorLabel: string;
  rest?: string;
  unit?: string;
  height?: number;
  formatTick: (value: number, most: number) => string;
  labels: readonly { at: number; text: string }[];
  /** A silence longer than this breaks the line. */
  silence?: number;
  /** The axis begins here instead of at zero: for registers, which only grow. */
  least?: number;
  most?: number;
  step?: boolean;
  fill?: boolean;
  /** Another line, in grey, for the past. */
  past?: readonly Point[];
  /** Instants at which something happened, as dots on the line. */
  marks?: readonly number[];
}

interface Pixel {
  x: number;
  y: number;
}

/** A line over time with a native cursor. */
export function Lines({ points, from, to, summary, cursorLabel, rest = "", unit, height = 200, formatTick, labels, silence, least, most, step, fill = true, past, marks }: LinesProps) {
  const id = useId();
  const [ref, width] = useWidth<HTMLDivElement>();
  const [active, setActive] = useState<number | null>(null);
  const values = [...points, ...(past ?? [])].flatMap((point) => (point.value === null ? [] : [point.value]));
  const greatest = most ?? Math.max(0, ...values);
  const axis = niceMost([greatest], 3, least);
  const left = axisRoom(axis.ticks.map((tick) => formatTick(tick, axis.most)));
  const frame: Frame = { width, height, left, right: 10, top: 22, bottom: 26 };
  const plot = linePlot(points, frame, from, to, { silence, least, most: greatest });
  const behind = past && linePlot(past, frame, from, to, { least, most: greatest });
  const curve = step ? curveStepAfter : curveMonotoneX;
  const stroke = line<Pixel>().x((p) => p.x).y((p) => p.y).curve(curve);
  const floor = height - frame.bottom;
  const under = area<Pixel>().x((p) => p.x).y0(floor).y1((p) => p.y).curve(curve);
  const shown = active === null ? null : points[active];
  const nearest = (x: number) => {
    let best = 0;
    points.forEach((point, index) => {
      if (Math.abs(plot.x(point.at) - x) < Math.abs(plot.x(points[best]?.at ?? 0) - x)) best = index;
    });
    return best;
  };
  return (
    <div ref={ref} className="min-w-0">
      <p className="tabular min-h-6 text-sm text-muted" aria-hidden="true">
        {shown?.words ?? rest}
      </p>
      <div className="relative" style={{ height: height + (points.length > 1 ? 28 : 0) }}>
        {width > 0 && (
          <svg
            role="img"
            aria-label={summary}
            width={width}
            height={height}
            className="absolute inset-0 touch-pan-y"
            onPointerMove={(event) => setActive(points.length ? nearest(event.clientX - event.currentTarget.getBoundingClientRect().left) : null)}
            onPointerLeave={() => setActive(null)}
          >
            <Patterns id={id} />
            <defs>
              <linearGradient id={`${id}-fill`} x1="0" x2="0" y1="0" y2="1">
                <stop offset="0" className="[stop-color:var(--off-peak)]" stopOpacity="0.24" />
                <stop offset="1" className="[stop-color:var(--off-peak)]" stopOpacity="0.02" />
              </linearGradient>
            </defs>
            {unit && (
              <text x={0} y={11} className="axis-text">
                {unit}
              </text>
            )}
            {plot.ticks.map((tick) => (
                <g key={tick.value}>
                  <line x1={frame.left} x2={width - frame.right} y1={Math.round(tick.at) + 0.5} y2={Math.round(tick.at) + 0.5} className={tick.value === 0 ? "stroke-control" : "stroke-hairline"} />
                  <text x={frame.left - 8} y={tick.at + 4} textAnchor="end" className="axis-text">
                    {formatTick(tick.value, plot.most)}
                  </text>
                </g>
            ))}
            {plot.gaps.map((gap) => (
              <rect key={gap.x} x={gap.x} y={frame.top} width={gap.width} height={floor - frame.top} fill={`url(#${id}-gap)`} opacity="0.75" />
            ))}
            {behind?.runs.map((run, index) => (
              <path key={index} d={stroke(run) ?? ""} fill="none" className="stroke-past" strokeWidth="1.75" strokeDasharray="3 4" />
            ))}
            {plot.runs.map((run, index) => (
              <g key={index}>
                {fill && run.length > 1 && <path d={under(run) ?? ""} fill={`url(#${id}-fill)`} />}
                {run.length > 1 ? (
                  <path d={stroke(run) ?? ""} fill="none" className="stroke-off-peak" strokeWidth="2" strokeLinejoin="round" strokeLinecap="round" />
                ) : (
                  run.map((p) => <circle key={p.x} cx={p.x} cy={p.y} r="2.5" className="fill-off-peak" />)
                )}
              </g>
            ))}
            {marks?.map((at) => {
              const point = points.find((candidate) => candidate.at === at);
              return point && point.value !== null ? (
                <circle key={at} cx={plot.x(at)} cy={plot.y(point.value)} r="4.5" className="fill-card stroke-off-peak" strokeWidth="2.5" />
              ) : null;
            })}
            {shown && shown.value !== null && (
              <g>
                <line x1={plot.x(shown.at)} x2={plot.x(shown.at)} y1={frame.top} y2={floor} className="stroke-ink" strokeOpacity="0.35" />
                <circle cx={plot.x(shown.at)} cy={plot.y(shown.value)} r="5" className="fill-off-peak stroke-card" strokeWidth="2" />
              </g>
            )}
            {labels.map((label, index) => {
              const x = plot.x(label.at);
              const anchor = x < frame.left + 20 ? "start" : x > width - frame.right - 20 ? "end" : "middle";
              return (
                <text key={index} x={x} y={height - 8} textAnchor={anchor} className="axis-text">
                  {label.text}
                </text>
              );
            })}
          </svg>
        )}
        {points.length > 1 && width > 0 && (
          <input
            type="range"
            className="scrubber no-print"
            aria-label={cursorLabel}
            aria-valuetext={(shown ?? points.at(-1))?.words}
            min={0}
            max={points.length - 1}
            value={active ?? points.length - 1}
            onChange={(event) => setActive(Number(event.target.value))}
            onFocus={(event) => event.target.matches(":focus-visible") && setActive((now) => now ?? points.length - 1)}
            onBlur={() => setActive(null)}
            style={{
              top: height,
              left: plot.x(points[0]?.at ?? from) - 8,
              width: plot.x(points.at(-1)?.at ?? to) - plot.x(points[0]?.at ?? from) + 16,
            }}
          />
        )}
      </div>
    </div>
  );
}
