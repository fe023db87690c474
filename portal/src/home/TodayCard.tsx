import { Link } from "@tanstack/react-router";
import { LazyLines } from "@/shared/chart/lazy";
import { MeterLegend, MeterLine } from "@/shared/chart/MeterLine";
import { useT } from "@/shared/i18n/i18n";
import { addDays, midnight } from "@/shared/period/civil";
import { useSession } from "@/shared/session/session";
import { Card, Empty } from "@/shared/ui/Card";
import type { HomeAnswer } from "./answer";

export function TodayCard({ answer }: { answer: HomeAnswer }) {
  const t = useT();
  const { format, usagePoint, today } = useSession();
  return (
    <Card
      title={t("home.today.title")}
      size="h-72"
      answer={answer}
      aside={
        <Link to="/historic" search={{ p: "day" }} className="text-sm font-semibold text-brand">
          {t("home.today.more")}
        </Link>
      }
      empty={(home) => (home.today.wh === null ? <Empty>{t("home.today.none")}</Empty> : null)}
      strip={(home) => (home.today.quality === "missing" || home.today.quality === "estimated" ? t(`quality.day.${home.today.quality}`) : null)}
    >
      {({ today: day }) => {
        const wh = day.wh ?? 0;
        const { value, unit } = format.energy(wh);
        const low = day.expected_low_wh;
        const high = day.expected_high_wh;
        const range = low !== null && high !== null;
        const whole = Math.max(wh, high ?? 0, day.expected_wh ?? 0) * 1.08 || 1;
        const verdict = !range
          ? null
          : wh > high
            ? t("home.today.above")
            : wh < low
              ? t("home.today.below")
              : t("home.today.within");
        const from = midnight(today, usagePoint.zone).getTime();
        const to = midnight(addDays(today, 1), usagePoint.zone).getTime();
        const points = [
          { at: from, value: 0, words: `${format.time(from)}, ${format.energyText(0)}` },
          ...day.points.map((point) => ({
            at: Date.parse(point.end),
            value: point.wh,
            words: `${format.time(point.end)}, ${format.energyText(point.wh)}`,
          })),
        ];
        return (
          <>
            <p className="numeral mt-1">
              {value}
              <span className="unit">{unit}</span>
            </p>
            <p className="mt-1 text-muted">
              {day.amount !== null && <span className="tabular">{format.money(day.amount)}</span>}
              {day.amount !== null && verdict && " · "}
              {verdict}
            </p>
            {range && (
              <div className="mt-4">
                <MeterLine
                  tone="series"
                  fill={wh / whole}
                  band={[low / whole, high / whole]}
                  tick={day.expected_wh === null ? null : day.expected_wh / whole}
                  summary={t("home.today.summary", { energy: format.energyText(wh), low: format.energyText(low), high: format.energyText(high) })}
                />
                <MeterLegend
                  items={[
                    { mark: "fill", tone: "series", text: t("home.today.fill") },
                    { mark: "band", tone: "series", text: t("home.today.usual", { low: format.energyText(low), high: format.energyText(high) }) },
                  ]}
                />
              </div>
            )}
            {points.length > 2 && (
              <div className="mt-3">
                <LazyLines
                  points={points}
                  from={from}
                  to={to}
                  height={132}
                  unit={format.energyUnit(wh)}
                  formatTick={format.energyTick}
                  summary={t("home.today.chart", { energy: format.energyText(wh) })}
                  cursorLabel={t("home.today.cursor")}
                  labels={[0, 6, 12, 18, 24].map((hour) => {
                    const at = from + ((to - from) * hour) / 24;
                    const time = format.time(at);
                    // The day ends where the next one begins; clocks of 24 hours have a time for it.
                    return { at, text: hour === 24 && time === "00:00" ? "24:00" : time };
                  })}
                />
              </div>
            )}
          </>
        );
      }}
    </Card>
  );
}
