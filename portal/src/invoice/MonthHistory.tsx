import type { Invoice } from "@/shared/api/types";
import { Bars } from "@/shared/chart/Bars";
import { Figure } from "@/shared/chart/Figure";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Panel } from "@/shared/ui/Card";

/** Up to thirteen months of consumption, as the rules ask for on paper. */
export function MonthHistory({ invoice }: { invoice: Invoice }) {
  const t = useT();
  const { format } = useSession();
  const months = invoice.history;
  if (months.length === 0) return null;
  const date = (month: string) => `${month.slice(0, 7)}-01`;
  const data = months.map((entry) => ({
    key: entry.month,
    value: entry.wh,
    label: format.civilMonthShort(date(entry.month)).slice(0, 3),
    words: () => [format.civilMonth(date(entry.month)), entry.wh === null ? null : format.energyText(entry.wh), format.money(entry.amount, invoice.currency)].filter(Boolean).join(", "),
  }));
  const most = Math.max(...months.map((entry) => entry.wh ?? 0));
  return (
    <Panel title={t("invoice.history", { n: months.length })}>
      <Figure
        table={() => (
          <table className="data">
            <tbody>
              {months.map((entry) => (
                <tr key={entry.month}>
                  <th scope="row">{format.civilMonth(date(entry.month))}</th>
                  <td className="num">{entry.wh === null ? "–" : format.energyExact(entry.wh)}</td>
                  <td className="num">{format.money(entry.amount, invoice.currency)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      >
        <Bars
          data={data}
          height={190}
          unit={format.energyUnit(most)}
          formatTick={format.energyTick}
          summary={t("invoice.historySummary", { last: data.at(-1)?.words() ?? "" })}
          cursorLabel={t("invoice.historyCursor")}
          rest={data.at(-1)?.words() ?? ""}
        />
      </Figure>
    </Panel>
  );
}
