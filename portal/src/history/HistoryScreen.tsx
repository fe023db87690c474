import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, memo, Suspense, useCallback, useEffect, useMemo } from "react";
import { queries } from "@/shared/api/queries";
import { useI18n } from "@/shared/i18n/i18n";
import { civilDateAt, midnight } from "@/shared/period/civil";
import { chartStep } from "@/shared/period/period";
import type { HistorySearch } from "@/shared/period/search";
import { preference } from "@/shared/session/preferences";
import { useSession } from "@/shared/session/session";
import { AlertBanner } from "./AlertBanner";
import { Headline } from "./Headline";
import { PeriodBar } from "./PeriodBar";
import { Readings } from "./Readings";
import { SelectionBar } from "./SelectionBar";
import { Stats } from "./Stats";
import { UsageChart } from "./UsageChart";
import { billPeriods, viewOf } from "./view";

const route = getRouteApi("/historic");
// A change of period or unit redraws the chart, and none of what stands below it.
const Insights = memo(lazy(async () => ({ default: (await import("./Insights")).Insights })));
const OwnReadings = memo(Readings);

export type Change = (change: Partial<HistorySearch>) => void;

export function HistoryScreen() {
  const { t, locale } = useI18n();
  const { usagePoint, today, me, format } = useSession();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const home = useQuery(queries.home(usagePoint.id, locale)).data;
  const invoices = useQuery(queries.invoices(usagePoint.id)).data;
  const bills = useMemo(() => billPeriods(home?.bill ?? null, invoices ?? [], format.lastDay), [home, invoices, format]);
  const earliest = usagePoint.first_reading === null ? null : civilDateAt(new Date(usagePoint.first_reading), usagePoint.zone);
  const view = viewOf(search, { today, earliest, locale, bills, lab: me.lab_id !== null, unit: preference("unit") });
  const { period } = view;
  const answer = useQuery(
    queries.usage(usagePoint.id, {
      from: midnight(period.from, usagePoint.zone).toISOString(),
      to: midnight(period.to, usagePoint.zone).toISOString(),
      step: chartStep(period),
      compare: view.compare === "year" ? "year" : "previous",
      whole: true,
    }),
  );
  const change: Change = useCallback(
    // A stretch that grows under the hand is one step back, not twenty.
    (next) => void navigate({ search: (old) => ({ ...old, ...next }), replace: Object.keys(next).every((key) => key === "sel"), resetScroll: false }),
    [navigate],
  );

  useEffect(() => {
    document.title = `${t("nav.history")} · Corrente`;
  }, [t]);

  return (
    <div className="grid gap-4 rail:gap-6">
      <AlertBanner />
      <PeriodBar view={view} bills={bills} change={change} />
      <Headline answer={answer} view={view} />
      <UsageChart answer={answer} view={view} latest={home?.now.at ?? null} change={change} />
      {view.selection && <SelectionBar selection={view.selection} change={change} />}
      <Stats answer={answer} view={view} />
      {me.lab_id === null && usagePoint.first_reading !== null && (
        <Suspense fallback={<div className="min-h-96" />}>
          <Insights change={change} />
        </Suspense>
      )}
      <OwnReadings r={search.r} rt={search.rt} change={change} />
    </div>
  );
}
