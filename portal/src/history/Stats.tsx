import type { UseQueryResult } from "@tanstack/react-query";
import type { Usage } from "@/shared/api/types";
import { isZero } from "@/shared/format/decimal";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import type { View } from "./view";
import { spanWords } from "./words";

/** A few figures beside the chart. Nothing is shown that the chart's own data does not hold. */
export function Stats({ answer, view }: { answer: UseQueryResult<Usage>; view: View }) {
  const t = useT();
  const { format, clock } = useSession();
  const usage = answer.data;
  if (!usage || usage.total.wh === null) return null;
  const known = usage.intervals.flatMap((interval) => (interval.quality === "missing" ? [] : [interval]));
  const highest = known.reduce<(typeof known)[number] | null>((best, interval) => (best === null || interval.wh > best.wh ? interval : best), null);
  const passed = Math.min(clock.now().getTime(), Date.parse(usage.to)) - Date.parse(usage.from);
  const days = passed / 86_400_000;
  const items: { name: string; value: string; note: string }[] = [];
  if (view.period.kind !== "day" && days >= 1) {
    items.push({ name: t("stats.perDay"), value: format.energyText(Math.round(usage.total.wh / days)), note: t("stats.perDayNote", { n: Math.round(days) }) });
  }
  if (usage.expected_wh !== null && usage.expected_wh > 0) {
    items.push({ name: t("stats.expected"), value: format.energyText(usage.expected_wh), note: t("stats.expectedNote") });
  }
  if (usage.compare?.total.wh !== null && usage.compare !== null) {
    items.push({
      name: t(view.compare === "year" ? "legend.year" : "legend.previous"),
      value: format.energyText(usage.compare.total.wh ?? 0),
      note: usage.compare.total.total_amount === null ? "" : format.money(usage.compare.total.total_amount),
    });
  }
  const fixed = usage.total.fixed_amount;
  if (fixed !== null && !isZero(fixed)) {
    items.push({ name: t("stats.fixed"), value: format.money(fixed), note: t("stats.fixedNote") });
  }
  if (highest && known.length > 1) {
    items.push({ name: t("stats.highest"), value: format.energyText(highest.wh), note: spanWords(highest, usage.step, format) });
  }
  if (items.length === 0) return null;
  return (
    <dl className="card grid grid-cols-2 gap-x-6 gap-y-5 rail:grid-flow-col rail:auto-cols-fr rail:grid-cols-none">
      {items.map((item) => (
        <div key={item.name} className="min-w-0">
          <dt className="text-sm text-muted">{item.name}</dt>
          <dd className="tabular text-xl font-semibold">{item.value}</dd>
          <dd className="text-[0.8125rem] text-muted">{item.note}</dd>
        </div>
      ))}
    </dl>
  );
}
