import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Level, Usage } from "@/shared/api/types";
import { Bars } from "@/shared/chart/Bars";
import { heights } from "@/shared/chart/geometry";
import { Figure, type LegendItem } from "@/shared/chart/Figure";
import { useT, type Translate } from "@/shared/i18n/i18n";
import { civilDateAt, type CivilDate } from "@/shared/period/civil";
import { chartStep, inside } from "@/shared/period/period";
import { useSession } from "@/shared/session/session";
import { Card, Empty } from "@/shared/ui/Card";
import { Segmented } from "@/shared/ui/Choice";
import { Icon } from "@/shared/ui/icons";
import { periodName } from "@/shared/ui/periodName";
import { bars, factorOf } from "./bars";
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
  const title = (usage: Usage | undefined) => {
    const step = (usage?.step ?? chartStep(view.period)) as Step;
    const power = view.as === "chart" && factorOf(view, step) !== 1;
    return power && (step === "15m" || step === "30m") ? t(`history.power.${step}`) : t(`history.per.${step}`);
  };
  return (
    <Card
      title={title(answer.data)}
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
          ? t("quality.ofIntervals", { estimated: total.estimated, edited: 0, missing: total.missing, all: total.measured + total.estimated + total.missing })
          : null
      }
    >
      {(usage) =>
        view.as === "list" ? (
          <div className="mt-2 overflow-x-auto" tabIndex={0} role="region" aria-label={t("history.tableCaption")}>
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
  const greatest = Math.max(0, ...data.flatMap(heights).map((value) => value ?? 0));
  const power = factorOf(view, usage.step) !== 1;
  const selection = useMemo(() => {
    if (!view.selection) return null;
    const [start, end] = view.selection;
    const first = usage.intervals.findIndex((interval) => Date.parse(interval.end) / 1000 > start);
    const last = usage.intervals.findLastIndex((interval) => Date.parse(interval.start) / 1000 < end);
    return first >= 0 && last >= first ? ([first, last] as const) : null;
  }, [usage, view.selection]);
  const choose = (first: number, last: number) => {
    const from = usage.intervals[first];
    const to = usage.intervals[Math.min(last, usage.intervals.length - 1)];
    if (from && to) change({ sel: `${Date.parse(from.start) / 1000}..${Date.parse(to.end) / 1000}` });
  };
  const shows = (test: (datum: (typeof data)[number]) => boolean) => data.some(test);
  const legend: LegendItem[] = [
    ...series(usage, t),
    ...(view.unit === "money" && shows((datum) => datum.parts?.some((part) => part.kind === "base") === true) ? [{ mark: "base" as const, text: t("legend.base") }] : []),
    ...(shows((datum) => datum.reference !== null && datum.reference !== undefined)
      ? [{ mark: "reference" as const, text: t(view.compare === "expected" ? "legend.expected" : view.compare === "year" ? "legend.year" : "legend.previous") }]
      : []),
    ...(shows((datum) => datum.estimated === true) ? [{ mark: "estimated" as const, text: t("quality.estimated") }] : []),
    ...(shows((datum) => datum.value === null) ? [{ mark: "gap" as const, text: t("quality.missing") }] : []),
  ];
  const into = inside(usage.step as Step);
  const peak = data[most]?.words() ?? "";
  return (
    <Figure
      legend={legend}
      csv={csv}
      table={() => <IntervalTable usage={usage} view={view} />}
      actions={
        // The way to a stretch for those who do not drag: the last bar, then two fields or Shift and the arrows.
        <button
          type="button"
          className="no-print flex min-h-11 items-center gap-2 text-sm font-semibold text-brand"
          onClick={() => choose(usage.intervals.length - 1, usage.intervals.length - 1)}
        >
          <Icon name="select" size={18} />
          {t("selection.choose")}
        </button>
      }
    >
      <Bars
        data={data}
        height={280}
        unit={view.unit === "money" ? "" : power ? format.powerUnit(greatest) : format.energyUnit(greatest)}
        formatTick={view.unit === "money" ? format.moneyTick : format.energyTick}
        summary={t("history.summary", { peak })}
        cursorLabel={t("history.cursor")}
        rest={t("history.peak", { peak })}
        selection={selection}
        onSelect={choose}
        onOpen={
          into && into !== view.period.kind
            ? (index) => {
                const interval = usage.intervals[index];
                if (interval) change({ p: into, from: interval.start.slice(0, 10), to: undefined, sel: undefined });
              }
            : undefined
        }
        every={view.period.kind === "day" ? 3 : undefined}
      />
    </Figure>
  );
}

/** One colour for all of it, or one for each period of the day. */
function series(usage: Usage, t: Translate): LegendItem[] {
  const found = new Map<Level, string>();
  for (const interval of usage.intervals) {
    if (interval.quality === "missing") continue;
    for (const part of interval.parts) if (!found.has(part.level)) found.set(part.level, periodName(t, part.period));
  }
  const marks = { off_peak: "series", shoulder: "shoulder", peak: "peak" } as const;
  const items = (["off_peak", "shoulder", "peak"] as const).flatMap((level) => {
    const text = found.get(level);
    return text === undefined ? [] : [{ mark: marks[level], text }];
  });
  return items.length > 0 ? items : [{ mark: "series", text: t("legend.consumption") }];
}
