import type { Invoice } from "@/shared/api/types";
import { toPosition } from "@/shared/format/decimal";
import { type Key, useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { cx } from "@/shared/ui/cx";
import { changeWords } from "./InvoiceList";

/** This bill against the last one and against last year's, as bars of one scale. */
export function Comparison({ invoice }: { invoice: Invoice }) {
  const t = useT();
  const { format } = useSession();
  const { previous, last_year: year } = invoice.comparison;
  if (!previous && !year) return null;
  const rows = [
    { name: t("invoice.this"), amount: invoice.amount, note: null as string | null, own: true },
    ...(previous ? [{ name: t("invoice.previous"), amount: previous.amount, note: changeWords(previous.percent, t, format), own: false }] : []),
    ...(year ? [{ name: t("invoice.lastYear"), amount: year.amount, note: changeWords(year.percent, t, format), own: false }] : []),
  ];
  const most = Math.max(...rows.map((row) => toPosition(row.amount)), 1);
  const finding = previous ? t("invoice.finding", { change: changeWords(previous.percent, t, format) ?? "" }) : t("invoice.comparison");
  return (
    <section aria-label={t("invoice.comparison")} className="mt-8 border-t border-hairline pt-6">
      <h2 className="mb-4 text-lg font-semibold first-letter:uppercase">{finding}</h2>
      <ul className="grid gap-4">
        {rows.map((row) => (
          <li key={row.name}>
            <p className="flex flex-wrap justify-between gap-x-4 text-sm">
              <span>
                {row.name}
                {row.note && <span className="text-muted"> · {t("invoice.thisIs", { change: row.note })}</span>}
              </span>
              <span className="tabular font-semibold">{format.money(row.amount, invoice.currency)}</span>
            </p>
            <div aria-hidden="true" className="mt-1.5 h-2 rounded-full bg-sunk">
              <div className={cx("meter-fill h-2 rounded-full", row.own ? "bg-brand" : "bg-past")} style={{ width: `${(toPosition(row.amount) / most) * 100}%` }} />
            </div>
          </li>
        ))}
      </ul>
      {previous && previous.causes.length > 0 && (
        <>
          <h3 className="mt-6 mb-2 font-semibold">{t("invoice.why")}</h3>
          <ul className="grid gap-1 text-sm">
            {previous.causes.map(({ cause, amount }) => (
              <li key={cause} className="flex justify-between gap-x-4">
                <span>{t(`invoice.cause.${cause}` as Key)}</span>
                <span className="tabular">
                  {amount.startsWith("-") ? "" : "+"}
                  {format.money(amount, invoice.currency)}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
