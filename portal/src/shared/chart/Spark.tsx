import { linePlot, type Point } from "./geometry";
import { useWidth } from "./useWidth";

const path = (run: { x: number; y: number }[]) => run.map((p, index) => `${index === 0 ? "M" : "L"}${Math.round(p.x * 10) / 10} ${Math.round(p.y * 10) / 10}`).join("");

/** A small line without axes: the shape of the last minutes, with a dot at its end. */
export function Spark({ points, from, to, summary, silence, height = 72 }: { points: readonly Point[]; from: number; to: number; summary: string; silence?: number; height?: number }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const plot = linePlot(points, { width, height, left: 0, right: 6, top: 6, bottom: 2 }, from, to, { silence });
  const end = plot.runs.at(-1)?.at(-1);
  return (
    <div ref={ref} className="min-w-0" style={{ height }}>
      {width > 0 && (
        <svg role="img" aria-label={summary} width={width} height={height} className="block">
          <line x1="0" x2={width} y1={height - 1.5} y2={height - 1.5} className="stroke-hairline" />
          {plot.runs.map((run, index) => (
            <g key={index}>
              <path d={`${path(run)}L${run.at(-1)?.x} ${height - 2}L${run[0]?.x} ${height - 2}Z`} className="fill-off-peak-soft" />
              <path d={path(run)} fill="none" className="stroke-off-peak" strokeWidth="2" strokeLinejoin="round" strokeLinecap="round" />
            </g>
          ))}
          {end && <circle cx={end.x} cy={end.y} r="4" className="fill-off-peak stroke-card" strokeWidth="2" />}
        </svg>
      )}
    </div>
  );
}
