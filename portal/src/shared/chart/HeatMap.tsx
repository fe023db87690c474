import { useEffect, useRef, useState } from "react";
import { useDark } from "@/shared/ui/useDark";
import { useWidth } from "./useWidth";
import { viridis } from "./viridis";

export interface HeatColumn {
  key: string;
  label: string;
  /** From the first row down; null is unknown, undefined is yet to come. */
  cells: readonly (number | null | undefined)[];
}

interface HeatMapProps {
  columns: readonly HeatColumn[];
  rowLabels: readonly string[];
  summary: string;
  words: (column: number, row: number) => string;
  rest: string;
  columnCursor: string;
  rowCursor: string;
  few: string;
  many: string;
  onOpen?: (column: number) => void;
}

const left = 44;
const foot = 24;
/** So wide is a date under it. */
const LABEL = 58;

/** Days beside each other, hours downwards. The one dense picture, so it is a canvas. */
export function HeatMap({ columns, rowLabels, summary, words, rest, columnCursor, rowCursor, few, many, onOpen }: HeatMapProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = useDark();
  const [active, setActive] = useState<readonly [number, number] | null>(null);
  const rows = rowLabels.length;
  const cell = Math.max(9, Math.min(16, Math.round((width - left) / Math.max(1, columns.length))));
  const plotHeight = rows * cell;
  const band = columns.length === 0 ? 0 : (width - left) / columns.length;
  const height = plotHeight + foot;

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    element.width = Math.round(width * ratio);
    element.height = Math.round(plotHeight * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, plotHeight);
    const style = getComputedStyle(element);
    const values = columns.flatMap((column) => column.cells.filter((value) => typeof value === "number")).sort((a, b) => a - b);
    // The top hundredth would wash out the rest.
    const most = values[Math.floor(values.length * 0.99)] ?? 1;
    columns.forEach((column, x) => {
      column.cells.forEach((value, y) => {
        if (value === undefined) return;
        const box = [left + x * band, y * cell, Math.max(1, band - 1), cell - 1] as const;
        context.fillStyle = value === null ? style.fill : viridis(most === 0 ? 0 : value / most, dark);
        context.fillRect(...box);
        if (value !== null) return;
        context.strokeStyle = style.color;
        context.globalAlpha = 0.6;
        context.beginPath();
        context.moveTo(box[0], box[1] + box[3]);
        context.lineTo(box[0] + Math.min(box[2], box[3]), box[1] + box[3] - Math.min(box[2], box[3]));
        context.stroke();
        context.globalAlpha = 1;
      });
    });
  }, [columns, width, dark, band, cell, plotHeight]);

  const point = (event: React.PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = Math.floor((event.clientX - box.left - left) / band);
    const y = Math.floor((event.clientY - box.top) / cell);
    setActive(x >= 0 && x < columns.length && y >= 0 && y < rows ? [x, y] : null);
  };
  const [x, y] = active ?? [columns.length - 1, 0];
  const labelEvery = Math.max(1, Math.ceil(LABEL / Math.max(1, band)));
  return (
    <div ref={ref} className="min-w-0">
      <p className="tabular min-h-6 text-sm text-muted" aria-hidden="true">
        {active ? words(...active) : rest}
      </p>
      <div className="relative mt-1" style={{ height }}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={summary}
          // The two colours of an unknown cell: a canvas cannot read light-dark() from a token.
          className="absolute inset-x-0 top-0 w-full touch-pan-y fill-sunk text-past"
          style={{ height: plotHeight }}
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={() => setActive(null)}
          onClick={() => active && onOpen?.(active[0])}
        />
        <svg aria-hidden="true" width={width} height={height} className="pointer-events-none absolute inset-0">
          {rowLabels.map((label, row) => label !== "" && (
            <text key={row} x={left - 8} y={row * cell + 9} textAnchor="end" className="axis-text">
              {label}
            </text>
          ))}
          {columns.map((column, index) => index % labelEvery === 0 && left + index * band + LABEL <= width && (
            <text key={column.key} x={left + index * band} y={height - 6} className="axis-text">
              {column.label}
            </text>
          ))}
          {active && <rect x={left + x * band - 0.5} y={y * cell - 0.5} width={band} height={cell} fill="none" strokeWidth="2" className="stroke-ink" />}
        </svg>
      </div>
      <div className="no-print flex flex-wrap items-center gap-x-6 gap-y-1">
        {(
          [
            [columnCursor, columns.length - 1, x, (value: number) => setActive([value, y])],
            [rowCursor, rows - 1, y, (value: number) => setActive([x, value])],
          ] as const
        ).map(([label, max, value, set]) => (
          <label key={label} className="flex min-w-0 grow items-center gap-3 text-[0.8125rem] text-muted">
            {label}
            <input
              type="range"
              className="scrubber !static min-w-24 grow"
              min={0}
              max={Math.max(0, max)}
              value={value}
              aria-valuetext={words(x, y)}
              onChange={(event) => set(Number(event.target.value))}
              onBlur={() => setActive(null)}
            />
          </label>
        ))}
        <p className="flex items-center gap-2 text-[0.8125rem] text-muted">
          {few}
          <span aria-hidden="true" className="flex overflow-hidden rounded-sm">
            {[0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => (
              <svg key={share} width="14" height="10">
                <rect width="14" height="10" fill={viridis(share, dark)} />
              </svg>
            ))}
          </span>
          {many}
        </p>
      </div>
    </div>
  );
}
