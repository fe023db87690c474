import { Link } from "@tanstack/react-router";
import type { Invoice } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Panel } from "@/shared/ui/Card";
import { lineName } from "@/shared/ui/LineTable";
import { InvoiceState } from "@/shared/ui/StateChip";

/** What came to be known after a bill was issued: each correction is a bill of its own. */
export function Corrections({ invoice }: { invoice: Invoice }) {
  const t = useT();
  const { format, today } = useSession();
  if (invoice.corrections.length === 0) return null;
  return (
    <Panel title={t("invoice.corrections")}>
      <ul>
        {invoice.corrections.map((correction) => (
          <li key={correction.id} className="border-b border-hairline last:border-0">
            <Link to="/invoice" search={{ bill: correction.id }} className="flex min-h-14 flex-wrap items-center gap-x-4 gap-y-1 py-3">
              <span className="min-w-0 grow">
                <span className="block font-semibold">{t("invoice.correction", { number: correction.number })}</span>
                <span className="block text-sm text-muted">{[correction.reason, format.dayTime(correction.issued)].filter(Boolean).join(" · ")}</span>
              </span>
              <span className="tabular font-semibold">{format.money(correction.amount, invoice.currency)}</span>
              <InvoiceState state={correction.state} overdue={correction.due.slice(0, 10) < today} />
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Which bill this document corrects, why, and line by line. */
export function Corrected({ invoice }: { invoice: Invoice }) {
  const t = useT();
  const { format } = useSession();
  const { corrected, currency } = invoice;
  if (!corrected) return null;
  return (
    <Panel title={t("invoice.corrects")}>
      <p>
        <Link to="/invoice" search={{ bill: corrected.invoice }} className="inline-flex min-h-11 items-center font-semibold text-brand">
          {t("invoice.one", { number: corrected.number })}
        </Link>
      </p>
      <p>{corrected.reason}</p>
      <table className="data mt-3 max-sm:text-[0.8125rem]">
        <thead>
          <tr>
            <th scope="col">{t("lines.what")}</th>
            <th scope="col" className="num">
              {t("invoice.before")}
            </th>
            <th scope="col" className="num">
              {t("invoice.after")}
            </th>
            <th scope="col" className="num">
              {t("invoice.difference")}
            </th>
          </tr>
        </thead>
        <tbody>
          {corrected.lines.map((line) => (
            <tr key={`${line.code} ${line.label}`}>
              <th scope="row">{lineName(line.label)}</th>
              <td className="num">{format.money(line.before, currency)}</td>
              <td className="num">{format.money(line.after, currency)}</td>
              <td className="num">{format.money(line.difference, currency)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t("invoice.total")}</th>
            <td className="num">{format.money(corrected.before, currency)}</td>
            <td className="num">{format.money(corrected.after, currency)}</td>
            <td className="num font-semibold">{format.money(invoice.amount, currency)}</td>
          </tr>
        </tfoot>
      </table>
    </Panel>
  );
}
