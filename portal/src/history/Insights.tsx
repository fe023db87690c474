import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { queries } from "@/shared/api/queries";
import { Legend } from "@/shared/chart/Figure";
import { HeatMap } from "@/shared/chart/HeatMap";
import { Lines } from "@/shared/chart/Lines";
import { useT } from "@/shared/i18n/i18n";
import { addDays, midnight } from "@/shared/period/civil";
import { useSession } from "@/shared/session/session";
import { Card, Empty } from "@/shared/ui/Card";
import type { Change } from "./HistoryScreen";
import { alwaysOn, averageDay, days, highest, isWeekend } from "./insights";

const weeks = 8;

/** When it is used: the last eight weeks by the hour. */
export function Insights({ change }: { change: Change }) {
  const t = useT();
  const { usagePoint, format, today } = useSession();
  const from = addDays(today, 1 - weeks * 7);
  const to = addDays(today, 1);
  const answer = useQuery(
    queries.usage(usagePoint.id, {
      from: midnight(from, usagePoint.zone).toISOString(),
      to: midnight(to, usagePoint.zone).toISOString(),
      step: "hour",
      compare: "none",
    }),
  );
  const intervals = answer.data?.intervals;
  const grid = useMemo(() => days(intervals ?? [], from, to), [intervals, from, to]);
  const columns = useMemo(
    () => grid.map((day) => ({ key: day.date, label: format.civilShort(day.date), cells: day.hours })),
    [grid, format],
  );
  const hours = Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, "0")}:00`);
  const words = (column: number, row: number) => {
    const day = grid[column];
    const wh = day?.hours[row];
    const span = `${day ? format.civilShort(day.date) : ""}, ${hours[row] ?? ""}`;
    if (wh === undefined) return t("words.future", { span });
    return wh === null ? t("words.missing", { span }) : `${span}, ${format.energyText(wh)}`;
  };
  const open = (date: string) => change({ p: "day", from: date, to: undefined, sel: undefined });
  const top = highest(intervals ?? [], 5);
  const base = alwaysOn(grid);
  const none = (usage: { total: { wh: number | null } }) => (usage.total.wh === null ? <Empty>{t("history.emptyPeriod")}</Empty> : null);
  const best = top[0];
  const peak = best ? `${format.dayTime(best.start)}, ${format.energyText(best.wh)}` : "";
  return (
    <>
      <Card title={t("heat.title")} size="h-96" answer={answer} empty={none} className="no-print">
        {() => (
          <>
            <p className="text-xl font-semibold">{finding()}</p>
            <HeatMap
              columns={columns}
              rowLabels={hours.map((label, hour) => (hour % 4 === 0 ? label : ""))}
              summary={t("heat.summary", { peak })}
              words={words}
              rest={t("history.peak", { peak })}
              columnCursor={t("heat.day")}
              rowCursor={t("heat.hour")}
              few={t("heat.few")}
              many={t("heat.many")}
              onOpen={(column) => {
                const day = grid[column];
                if (day) open(day.date);
              }}
            />
          </>
        )}
      </Card>
      <div className="grid items-start gap-4 rail:grid-cols-2 rail:gap-6">
        <Card title={t("average.title")} size="h-64" answer={answer} empty={none}>
          {() => <Average />}
        </Card>
        <Card title={t("highest.title")} size="h-64" answer={answer} empty={none}>
          {() => (
            <ul>
              {top.map((hour) => (
                <li key={hour.start} className="border-b border-hairline last:border-0">
                  <button type="button" className="tabular flex min-h-12 w-full items-center py-1 justify-between gap-4 text-start" onClick={() => open(hour.start.slice(0, 10))}>
                    <span>
                      {format.weekday(hour.start)} {format.dayTime(hour.start)}
                    </span>
                    <span className="flex flex-none flex-wrap justify-end gap-x-3 max-sm:flex-col max-sm:items-end">
                      <span className="font-semibold">{format.energyText(hour.wh)}</span>
                      {hour.amount !== null && <span className="text-muted">{format.money(hour.amount)}</span>}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          )}
        </Card>
      </div>
    </>
  );

  /** The sentence that the map proves. */
  function finding(): string {
    const mean = averageDay(grid);
    const busiest = mean.reduce<number>((best, wh, hour) => ((wh ?? 0) > (mean[best] ?? 0) ? hour : best), 0);
    const most = t("heat.finding", { from: hours[busiest] ?? "", to: `${String(busiest + 1).padStart(2, "0")}:00` });
    return base ? `${most} ${t("heat.alwaysOn", { watts: format.powerText(base.watts) })}` : most;
  }

  function Average() {
    const line = (of: typeof grid) => averageDay(of).map((value, hour) => ({ at: hour, value }));
    const weekdays = line(grid.filter((day) => !isWeekend(day.date)));
    const weekend = line(grid.filter((day) => isWeekend(day.date)));
    const points = weekdays.map((point, hour) => {
      const write = (value: number | null | undefined) => (value === null || value === undefined ? "–" : format.energyText(Math.round(value)));
      return { ...point, words: `${hours[hour] ?? ""}, ${t("average.weekdays")} ${write(point.value)}, ${t("average.weekend")} ${write(weekend[hour]?.value)}` };
    });
    const greatest = Math.max(0, ...[...weekdays, ...weekend].map((point) => point.value ?? 0));
    return (
      <>
        <Lines
          points={points}
          past={weekend}
          from={0}
          to={23}
          height={190}
          unit={format.energyUnit(greatest)}
          formatTick={format.energyTick}
          summary={t("average.summary", { peak: format.energyText(Math.round(greatest)) })}
          cursorLabel={t("heat.hour")}
          labels={[0, 6, 12, 18, 23].map((hour) => ({ at: hour, text: hours[hour] ?? "" }))}
        />
        <Legend
          items={[
            { mark: "line", text: t("average.weekdays") },
            { mark: "past", text: t("average.weekend") },
          ]}
        />
      </>
    );
  }
}
