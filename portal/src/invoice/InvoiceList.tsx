import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { queries } from "@/shared/api/queries";
import type { InvoiceSummary } from "@/shared/api/types";
import { Bars } from "@/shared/chart/Bars";
import { Figure } from "@/shared/chart/Figure";
import { isNegative, toPosition } from "@/shared/format/decimal";
import type { Format } from "@/shared/format/format";
import { useT, type Translate } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Card, Empty } from "@/shared/ui/Card";
import { Icon } from "@/shared/ui/icons";
import { InvoiceState } from "@/shared/ui/StateChip";

export function changeWords(percent: string | null, t: Translate, format: Format): string | null {
  if (percent === null) return null;
  const size = format.percent(percent);
  if (size === "0%") return t("invoice.same");
  return isNegative(percent) ? t("invoice.less", { percent: size }) : t("invoice.more", { percent: size });
}

export function InvoiceList() {
  const t = useT();
  const { usagePoint, format, today } = useSession();
  const answer = useQuery(queries.invoices(usagePoint.id));
  useEffect(() => {
    document.title = `${t("nav.invoice")} · Corrente`;
  }, [t]);
  return (
    <div className="grid gap-4 rail:gap-6">
      <h1 className="text-2xl font-semibold">{t("invoice.title")}</h1>
      <Card
        title={t("invoice.months")}
        size="h-64"
        answer={answer}
        empty={(invoices) => (invoices.length === 0 ? <Empty detail={t("invoice.noneDetail")}>{t("invoice.none")}</Empty> : null)}
      >
        {(invoices) => <Months invoices={invoices.slice(0, 13).toReversed()} />}
      </Card>
      {answer.data && answer.data.length > 0 && (
        <ul className="card py-2 sm:py-3">
          {answer.data.map((invoice) => (
            <li key={invoice.id} className="border-b border-hairline last:border-0">
              <Link to="/invoice" search={{ bill: invoice.id }} className="group flex min-h-16 items-center gap-4 py-3">
                <span className="min-w-0 grow">
                  <span className="block font-semibold first-letter:uppercase">{format.civilMonth(invoice.from.slice(0, 10))}</span>
                  <span className="tabular block text-sm text-muted">
                    {[invoice.wh === null ? null : format.energyText(invoice.wh), changeWords(invoice.change_percent, t, format)].filter(Boolean).join(" · ")}
                  </span>
                </span>
                <span className="flex-none text-end">
                  <span className="tabular block text-lg font-semibold">{format.money(invoice.amount, invoice.currency)}</span>
                  <span className="mt-1 block">
                    <InvoiceState state={invoice.state} overdue={invoice.due.slice(0, 10) < today} />
                  </span>
                </span>
                <Icon name="right" size={18} className="flex-none text-muted group-hover:text-brand" />
              </Link>
              {invoice.corrections.map((correction) => (
                <Link key={correction.id} to="/invoice" search={{ bill: correction.id }} className="flex min-h-11 items-center gap-4 pb-3 ps-4 text-sm">
                  <span className="min-w-0 grow text-muted">{t("invoice.correction", { number: correction.number })}</span>
                  <span className="tabular flex-none font-semibold">{format.money(correction.amount, invoice.currency)}</span>
                  <Icon name="right" size={18} className="flex-none text-muted" />
                </Link>
              ))}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** The comparison of months, which the prototype had as a picture. */
function Months({ invoices }: { invoices: readonly InvoiceSummary[] }) {
  const t = useT();
  const { format } = useSession();
  const navigate = useNavigate();
  const data = invoices.map((invoice) => ({
    key: invoice.id,
    value: toPosition(invoice.amount),
    label: format.civilMonthShort(invoice.from.slice(0, 10)).slice(0, 3),
    words: () => [
      format.civilMonth(invoice.from.slice(0, 10)),
      format.money(invoice.amount, invoice.currency),
      invoice.wh === null ? null : format.energyText(invoice.wh),
      changeWords(invoice.change_percent, t, format),
    ]
      .filter(Boolean)
      .join(", "),
  }));
  return (
    <Figure
      table={() => (
        <table className="data">
          <thead>
            <tr>
              <th scope="col">{t("table.when")}</th>
              <th scope="col" className="num">
                {t("legend.consumption")}
              </th>
              <th scope="col" className="num">
                {t("lines.amount")}
              </th>
            </tr>
          </thead>
          <tbody>
            {invoices.map((invoice) => (
              <tr key={invoice.id}>
                <th scope="row">{format.civilMonth(invoice.from.slice(0, 10))}</th>
                <td className="num">{invoice.wh === null ? "–" : format.energyExact(invoice.wh)}</td>
                <td className="num">{format.money(invoice.amount, invoice.currency)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    >
      <Bars
        data={data}
        height={220}
        unit=""
        formatTick={format.moneyTick}
        summary={t("invoice.monthsSummary", { last: data.at(-1)?.words() ?? "" })}
        cursorLabel={t("invoice.monthsCursor")}
        rest={data.at(-1)?.words() ?? ""}
        onOpen={(index) => {
          const invoice = invoices[index];
          if (invoice) void navigate({ to: "/invoice", search: { bill: invoice.id } });
        }}
      />
    </Figure>
  );
}
