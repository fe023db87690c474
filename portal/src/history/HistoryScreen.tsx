import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, memo, Suspense, useCallback, useDeferredValue, useEffect, useMemo } from "react";
import { queries } from "@/shared/api/queries";
import { useI18n } from "@/shared/i18n/i18n";
import { civilDateAt, midnight } from "@/shared/period/civil";
import { chartStep, type BillPeriod } from "@/shared/period/period";
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
import { billPeriods, viewOf, type View } from "./view";

const route = getRouteApi("/historic");
// A change of period or unit redraws the chart, and none of what stands below it.
const Insights = memo(lazy(async () => ({ default: (await import("./Insights")).Insights })));
const OwnReadings = memo(Readings);

export type Change = (change: Partial<HistorySearch>) => void;

export function HistoryScreen() {
  const { t, locale } = useI18n();
  const { usagePoint, me, format } = useSession();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const home = useQuery(queries.home(usagePoint.id, locale)).data;
  const invoices = useQuery(queries.invoices(usagePoint.id)).data;
  const bills = useMemo(() => billPeriods(home?.bill ?? null, invoices ?? [], format.lastDay), [home, invoices, format]);
  const view = useView(search, bills);
  // What was chosen answers the hand at once; the chart, which takes longer to draw, follows it.
  const shown = useDeferredValue(search);
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
      <Figures search={shown} bills={bills} latest={home?.now.at ?? null} change={change} />
      {me.lab_id === null && usagePoint.first_reading !== null && (
        <Suspense fallback={<div className="min-h-96" />}>
          <Insights change={change} />
        </Suspense>
      )}
      <OwnReadings r={search.r} rt={search.rt} change={change} />
    </div>
  );
}

/** What the address says of this home. */
function useView(search: HistorySearch, bills: readonly BillPeriod[]): View {
  const { locale } = useI18n();
  const { usagePoint, today, me } = useSession();
  const earliest = usagePoint.first_reading === null ? null : civilDateAt(new Date(usagePoint.first_reading), usagePoint.zone);
  return viewOf(search, { today, earliest, locale, bills, lab: me.lab_id !== null, unit: preference("unit") });
}

interface FiguresProps {
  search: HistorySearch;
  bills: readonly BillPeriod[];
  /** When the newest reading was. */
  latest: string | null;
  change: Change;
}

/** The period in a sentence, a chart and a few figures. */
const Figures = memo(function Figures({ search, bills, latest, change }: FiguresProps) {
  const { usagePoint } = useSession();
  const view = useView(search, bills);
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
  return (
    <>
      <Headline answer={answer} view={view} />
      <UsageChart answer={answer} view={view} latest={latest} change={change} />
      {view.selection && <SelectionBar selection={view.selection} change={change} />}
      <Stats answer={answer} view={view} />
    </>
  );
});
