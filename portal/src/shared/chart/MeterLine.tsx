
interface MeterLineProps {
  /** Shares of the whole line, 0 to 1. */
  fill: number;
  tick?: number | null;
  band?: readonly [number, number] | null;
  /** What the line says, in one sentence. */
  summary: string;
  tone?: "brand" | "series";
}

const percent = (share: number) => `${Math.min(100, Math.max(0, share * 100))}%`;

/** The motif: a thin bar that fills from left to right, a tick for the target, a band for the likely. */
export function MeterLine({ fill, tick, band, summary, tone = "brand" }: MeterLineProps) {
  return (
    <div role="img" aria-label={summary} className="relative h-6 w-full">
      <div className="absolute inset-x-0 top-2 h-2 overflow-hidden rounded-full bg-sunk">
        {band && (
          <div
            className={tone === "brand" ? "absolute inset-y-0 bg-brand/25" : "absolute inset-y-0 bg-off-peak/25"}
            style={{ left: percent(band[0]), width: percent(band[1] - band[0]) }}
          />
        )}
        <div
          className={`meter-fill absolute inset-y-0 left-0 rounded-full ${tone === "brand" ? "bg-brand" : "bg-off-peak"}`}
          style={{ width: percent(fill) }}
        />
      </div>
      {tick !== null && tick !== undefined && (
        <div className="absolute inset-y-0 w-0.5 -translate-x-1/2 rounded-full bg-ink" style={{ left: percent(tick) }} />
      )}
    </div>
  );
}

/** The words under a meter line. */
export function MeterLegend({ items }: { items: readonly { mark: "fill" | "band" | "tick"; text: string; tone?: "brand" | "series" }[] }) {
  return (
    <ul className="mt-2 flex flex-wrap gap-x-5 gap-y-1 text-sm text-muted">
      {items.map(({ mark, text, tone }) => {
        const colour = tone === "series" ? "bg-off-peak" : "bg-brand";
        return (
          <li key={mark} className="flex items-center gap-2">
            <span
              aria-hidden="true"
              className={
                mark === "fill"
                  ? `h-2 w-3 rounded-full ${colour}`
                  : mark === "band"
                    ? `h-2 w-3 rounded-xs ${colour} opacity-30`
                    : "h-3.5 w-0.5 rounded-full bg-ink"
              }
            />
            {text}
          </li>
        );
      })}
    </ul>
  );
}
