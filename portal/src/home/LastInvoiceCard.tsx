import { Link } from "@tanstack/react-router";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { buttonClass } from "@/shared/ui/Button";
import { Card, Empty } from "@/shared/ui/Card";
import { InvoiceState } from "@/shared/ui/StateChip";
import type { HomeAnswer } from "./answer";

export function LastInvoiceCard({ answer }: { answer: HomeAnswer }) {
  const t = useT();
  const { format, today } = useSession();
  return (
    <Card
      title={t("home.invoice.title")}
      size="h-32"
      answer={answer}
      aside={answer.data?.last_invoice && <InvoiceState state={answer.data.last_invoice.state} overdue={answer.data.last_invoice.due.slice(0, 10) < today} />}
      empty={(home) => (home.last_invoice === null ? <Empty>{t("home.invoice.none")}</Empty> : null)}
    >
      {({ last_invoice: invoice }) =>
        invoice && (
          <div className="flex flex-wrap items-end justify-between gap-x-6 gap-y-4">
            <div>
              <p className="numeral mt-1">{format.money(invoice.amount, invoice.currency)}</p>
              <p className="tabular mt-1 text-muted first-letter:uppercase">
                {format.civilMonth(invoice.from.slice(0, 10))} · {t(invoice.state === "open" && invoice.due.slice(0, 10) < today ? "invoice.overdueSince" : "invoice.due", { date: format.civilDayMonth(invoice.due.slice(0, 10)) })}
              </p>
            </div>
            <Link to="/invoice" search={{ bill: invoice.id }} className={buttonClass(invoice.state === "open" ? "primary" : "quiet")}>
              {invoice.state === "open" ? t("home.invoice.pay") : t("home.invoice.open")}
            </Link>
          </div>
        )
      }
    </Card>
  );
}
