import { level, type Level, type Tariff } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { periodName } from "@/shared/ui/periodName";

const fills: Record<Level, string> = { off_peak: "fill-off-peak", shoulder: "fill-shoulder", peak: "fill-peak" };
// Colour is never alone: the dearer, the taller.
const heights: Record<Level, number> = { off_peak: 12, shoulder: 20, peak: 28 };
const floor = 30;

type Day = Tariff["days"][number];

/** The hours of a day in the colours of their periods, with now marked. */
export function Ruler({ day, now, large = false }: { day: Day; now?: string; large?: boolean }) {
  const t = useT();
  const { format } = useSession();
  const from = Date.parse(day.hours[0]?.start ?? "");
  const to = Date.parse(day.hours.at(-1)?.end ?? "");
  const share = (time: string) => ((Date.parse(time) - from) / (to - from)) * 100;
  const height = large ? 54 : 32;
  return (
    <svg role="img" aria-label={rulerWords(day, t, format)} width="100%" height={height} className="block overflow-visible">
      {day.hours.map((hours) => {
        const kind = level(hours.level);
        return (
          <rect
            key={hours.start}
            x={`${share(hours.start)}%`}
            width={`${Math.max(0, share(hours.end) - share(hours.start) - 0.25)}%`}
            y={floor - heights[kind]}
            height={heights[kind]}
            rx="3"
            className={`bar ${fills[kind]}`}
          />
        );
      })}
      {now !== undefined && Date.parse(now) >= from && Date.parse(now) < to && (
        <g className="stroke-ink fill-ink">
          <line x1={`${share(now)}%`} x2={`${share(now)}%`} y1="0" y2={floor + 2} strokeWidth="2" />
          <circle cx={`${share(now)}%`} cy="1" r="3.5" stroke="none" />
        </g>
      )}
      {large &&
        [0, 6, 12, 18, 24].map((hour) => (
          <text key={hour} x={`${(hour / 24) * 100}%`} y={height - 4} textAnchor={hour === 0 ? "start" : hour === 24 ? "end" : "middle"} className="axis-text">
            {`${String(hour).padStart(2, "0")}:00`}
          </text>
        ))}
    </svg>
  );
}

function rulerWords(day: Day, t: ReturnType<typeof useT>, format: ReturnType<typeof useSession>["format"]): string {
  return day.hours.map((hours) => t("tariff.span", { period: periodName(t, hours.period), from: format.time(hours.start), to: format.time(hours.end) })).join("; ");
}
