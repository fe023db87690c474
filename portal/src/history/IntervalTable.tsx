import type { Interval, Usage } from "@/shared/api/types";
import { isZero } from "@/shared/format/decimal";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import type { View } from "./view";
import { spanWords } from "./words";

/** The chart in figures, to the watt-hour. What is unknown says so. */
export function IntervalTable({ usage, view }: { usage: Usage; view: View }) {
  const t = useT();
  const { format } = useSession();
  const rows = usage.intervals.map((interval, index) => ({ interval, other: usage.compare?.intervals[index] }));
  const expected = view.compare === "expected" && rows.some(({ interval }) => interval.expectedWh !== null);
  const fixed = usage.total.fixed_amount !== null && !isZero(usage.total.fixed_amount);
  const compared = (view.compare === "prev" || view.compare === "year") && usage.compare !== null;
  return (
    <table className="data">
      <caption className="sr-only">{t("history.tableCaption")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("table.when")}</th>
          <th scope="col" className="num">
            {t("legend.consumption")}
          </th>
          {expected && (
            <th scope="col" className="num">
              {t("legend.expected")}
            </th>
          )}
          {compared && (
            <th scope="col" className="num">
              {t(view.compare === "year" ? "legend.year" : "legend.previous")}
            </th>
          )}
          {fixed && (
            <th scope="col" className="num">
              {t("legend.base")}
            </th>
          )}
          <th scope="col" className="num">
            {t("lines.amount")}
          </th>
          <th scope="col">{t("table.quality")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ interval, other }) => (
          <tr key={interval.start}>
            <th scope="row">{spanWords(interval, usage.step, format)}</th>
            <td className="num">
              {interval.quality === "missing" ? "–" : interval.atLeast ? `≥ ${format.energyExact(interval.wh)}` : format.energyExact(interval.wh)}
            </td>
            {expected && <td className="num text-muted">{interval.expectedWh === null ? "–" : format.energyExact(interval.expectedWh)}</td>}
            {compared && <td className="num text-muted">{!other || other.quality === "missing" ? "–" : format.energyExact(other.wh)}</td>}
            {fixed && <td className="num text-muted">{interval.fixedAmount === null ? "–" : format.money(interval.fixedAmount)}</td>}
            <td className="num">{amountOf(interval)}</td>
            <td className="text-muted">{t(`quality.${interval.quality}`)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{t("lines.total")}</th>
          <td className="num font-semibold">{usage.total.wh === null ? "–" : `${usage.total.at_least ? "≥ " : ""}${format.energyExact(usage.total.wh)}`}</td>
          {expected && <td className="num">{usage.expected_wh === null ? "–" : format.energyExact(usage.expected_wh)}</td>}
          {compared && <td className="num">{!usage.compare || usage.compare.total.wh === null ? "–" : format.energyExact(usage.compare.total.wh)}</td>}
          {fixed && <td className="num">{format.money(usage.total.fixed_amount ?? "0")}</td>}
          <td className="num font-semibold">{usage.total.total_amount === null ? "–" : format.money(usage.total.total_amount)}</td>
          <td />
        </tr>
      </tfoot>
    </table>
  );

  /** Of an unknown interval only what is charged beside energy is known. */
  function amountOf(interval: Interval): string {
    const amount = interval.quality === "missing" ? interval.fixedAmount : interval.totalAmount;
    return amount === null ? "–" : format.money(amount);
  }
}
