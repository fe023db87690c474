import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Usage } from "@/shared/api/types";
import { Bars } from "@/shared/chart/Bars";
import { Figure, type LegendItem } from "@/shared/chart/Figure";
import { useT } from "@/shared/i18n/i18n";
import { civilDateAt, type CivilDate } from "@/shared/period/civil";
import { inside } from "@/shared/period/period";
import { useSession } from "@/shared/session/session";
import { Card, Empty } from "@/shared/ui/Card";
import { Segmented } from "@/shared/ui/Choice";
import { bars } from "./bars";
import { csvAddress } from "./csv";
import type { Change } from "./HistoryScreen";
import { IntervalTable } from "./IntervalTable";
import type { View } from "./view";

type Step = "15m" | "30m" | "hour" | "day" | "week" | "month" | "year";

/** Where there are readings, for a person who looks at a period without any. */
function NothingHere({ view, latest, change }: { view: View; latest: string | null; change: Change }) {
  const t = useT();
  const { format, usagePoint } = useSession();
  const first = usagePoint.first_reading;
  if (first === null || first === undefined) return <Empty detail={t("history.emptyNew")}>{t("history.emptyPeriod")}</Empty>;
  const days = [first, latest ?? first].map((time) => civilDateAt(new Date(time), usagePoint.zone)) as [CivilDate, CivilDate];
  const target = view.period.from > days[1] ? days[1] : days[0];
  return (
    <Empty
      detail={t("history.emptyPeriodDetail", { date: format.day(first) })}
      action={
        <button type="button" className="button" onClick={() => change({ from: target, to: undefined, p: view.period.kind === "custom" ? "month" : view.period.kind })}>
          {t(target === days[1] ? "history.toLatest" : "history.toFirst")}
        </button>
      }
    >
      {t("history.emptyPeriod")}
    </Empty>
  );
}

interface Properties {
  answer: UseQueryResult<Usage>;
  view: View;
  /** When the newest reading was. */
  latest: string | null;
  change: Change;
}

export function UsageChart({ answer, view, latest, change }: Properties) {
  const t = useT();
  const { usagePoint } = useSession();
  return (
    <Card
      title={t(`history.per.${(answer.data?.step ?? "day") as Step}`)}
      size="h-96"
      answer={answer}
      aside={
        <Segmented
          className="no-print"
          label={t("history.view")}
          choices={[
            { value: "chart", label: t("history.chart") },
            { value: "list", label: t("history.list") },
          ]}
          value={view.as}
          onChange={(as) => change({ view: as === "chart" ? undefined : as })}
        />
      }
      empty={(usage) =>
        usage.total.wh === null ? <NothingHere view={view} latest={latest} change={change} /> : null
      }
      strip={({ total }) =>
        total.missing + total.estimated > 0
          ? t("quality.ofIntervals", { estimated: total.estimated, missing: total.missing, all: total.measured + total.estimated + total.missing })
          : null
      }
    >
      {(usage) =>
        view.as === "list" ? (
          <div className="mt-2 overflow-x-auto">
            <IntervalTable usage={usage} view={view} />
          </div>
        ) : (
          <Chart usage={usage} view={view} change={change} csv={csvAddress(usagePoint, view.period)} />
        )
      }
    </Card>
  );
}

function Chart({ usage, view, change, csv }: { usage: Usage; view: View; change: Change; csv: string }) {
  const t = useT();
  const { format } = useSession();
  const data = useMemo(() => bars(usage, view, t, format), [usage, view, t, format]);
  const most = usage.intervals.reduce<number>((best, interval, index) => {
    const value = data[index]?.value ?? 0;
    return interval.quality !== "missing" && value > (data[best]?.value ?? 0) ? index : best;
  }, 0);
  const greatest = Math.max(0, ...data.map((datum) => datum.value ?? 0), ...data.map((datum) => datum.reference ?? 0));
  const selection = useMemo(() => {
    if (!view.selection) return null;
    const [start, end] = view.selection;
    const first = usage.intervals.findIndex((interval) => Date.parse(interval.end) / 1000 > start);
    const last = usage.intervals.findLastIndex((interval) => Date.parse(interval.start) / 1000 < end);
    return first >= 0 && last >= first ? ([first, last] as const) : null;
  }, [usage, view.selection]);
  const shows = (test: (datum: (typeof data)[number]) => boolean) => data.some(test);
  const legend: LegendItem[] = [
    { mark: "series", text: t("legend.consumption") },
    ...(shows((datum) => datum.reference !== null && datum.reference !== undefined)
      ? [{ mark: "reference" as const, text: t(view.compare === "expected" ? "legend.expected" : view.compare === "year" ? "legend.year" : "legend.previous") }]
      : []),
    ...(shows((datum) => datum.estimated === true) ? [{ mark: "estimated" as const, text: t("quality.estimated") }] : []),
    ...(shows((datum) => datum.value === null) ? [{ mark: "gap" as const, text: t("quality.missing") }] : []),
  ];
  const into = inside(usage.step as Step);
  const peak = data[most]?.words() ?? "";
  return (
    <Figure legend={legend} csv={csv} table={() => <IntervalTable usage={usage} view={view} />}>
      <Bars
        data={data}
        height={280}
        unit={view.unit === "money" ? "" : format.energyUnit(greatest)}
        formatTick={view.unit === "money" ? format.moneyTick : format.energyTick}
        summary={t("history.summary", { peak })}
        cursorLabel={t("history.cursor")}
        rest={t("history.peak", { peak })}
        selection={selection}
        onSelect={(first, last) => {
          const from = usage.intervals[first];
          const to = usage.intervals[Math.min(last, usage.intervals.length - 1)];
          if (from && to) change({ sel: `${Date.parse(from.start) / 1000}..${Date.parse(to.end) / 1000}` });
        }}
        onOpen={
          into && into !== view.period.kind
            ? (index) => {
                const interval = usage.intervals[index];
                if (interval) change({ p: into, from: interval.start.slice(0, 10), to: undefined, sel: undefined });
              }
            : undefined
        }
        every={view.period.kind === "day" && usage.step === "hour" ? 3 : undefined}
      />
    </Figure>
  );
}
