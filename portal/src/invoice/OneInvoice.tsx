import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";
import { ApiError } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import type { Invoice } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { buttonClass, IconButton } from "@/shared/ui/Button";
import { Failure, Panel, Skeleton } from "@/shared/ui/Card";
import { Icon } from "@/shared/ui/icons";
import { copyText } from "@/shared/ui/copy";
import { cx } from "@/shared/ui/cx";
import { toast } from "@/shared/ui/toast";
import { LineTable } from "@/shared/ui/LineTable";
import { InvoiceState } from "@/shared/ui/StateChip";
import { Actions } from "./Actions";
import { Comparison } from "./Comparison";
import { Corrected, Corrections } from "./Corrections";
import { MonthHistory } from "./MonthHistory";
import { Pix } from "./Pix";

export function OneInvoice({ id }: { id: string }) {
  const t = useT();
  const answer = useQuery(queries.invoice(id));
  useEffect(() => {
    document.title = `${answer.data ? t("invoice.one", { number: answer.data.number }) : t("nav.invoice")} · Corrente`;
  }, [t, answer.data]);
  const missing = answer.error instanceof ApiError && answer.error.status === 404;
  return (
    <div className="grid gap-4 rail:gap-6">
      <div className="no-print flex flex-wrap items-center justify-between gap-2">
        <Link to="/invoice" search={{ bill: undefined }} className="-ms-2 flex min-h-11 items-center gap-1 font-semibold text-brand">
          <Icon name="left" size={20} />
          {t("invoice.all")}
        </Link>
        {answer.data && <Actions invoice={answer.data} />}
      </div>
      {missing ? (
        <div className="card grid justify-items-start gap-4">
          <h1 className="text-xl font-semibold">{t("invoice.notFound")}</h1>
          <Link to="/invoice" search={{ bill: undefined }} className={buttonClass("primary")}>
            {t("invoice.all")}
          </Link>
        </div>
      ) : (
        <>
          {answer.error && <Failure error={answer.error} retry={answer.refetch} stale={answer.data !== undefined} />}
          {answer.data ? <Document invoice={answer.data} /> : !answer.error && <Skeleton size="h-96" />}
        </>
      )}
    </div>
  );
}

function Document({ invoice }: { invoice: Invoice }) {
  const t = useT();
  const { format, today } = useSession();
  const overdue = invoice.due.slice(0, 10) < today;
  const pix = invoice.state === "open" ? invoice.pix : null;
  const due = invoice.state === "credit" ? "invoice.credit" : invoice.state === "open" && overdue ? "invoice.overdueSince" : "invoice.due";
  return (
    <>
      <div className="hidden print:block">
        <p className="text-2xl font-semibold">{invoice.issuer.name}</p>
        <p>{invoice.issuer.document}</p>
      </div>
      <section className="card" aria-labelledby="invoice-amount">
        <div className={cx("grid gap-x-10 gap-y-6", pix && "rail:grid-cols-[minmax(0,1fr)_auto] rail:grid-rows-[auto_1fr] print:grid-cols-[minmax(0,1fr)_auto] print:grid-rows-[auto_1fr]")}>
          <div className="min-w-0">
            <div className="flex flex-wrap items-center justify-between gap-2">
              <p className="text-sm font-semibold text-muted first-letter:uppercase">
                {format.civilMonth(invoice.from.slice(0, 10))} · {t("invoice.number", { number: invoice.number })}
              </p>
              <InvoiceState state={invoice.state} overdue={overdue} />
            </div>
            <h1 id="invoice-amount" className="numeral mt-2">
              <span className="sr-only">{t("invoice.total")}: </span>
              {format.money(invoice.amount, invoice.currency)}
            </h1>
            <p className="mt-1 text-lg">{t(due, { date: format.civilDay(invoice.due.slice(0, 10)) })}</p>
          </div>
          {pix && <Pix invoice={invoice} pix={pix} />}
          <div className="min-w-0">
            <dl className="grid gap-x-8 gap-y-4 text-sm sm:grid-cols-2">
              {invoice.customer && (
                <Fact name={t("invoice.customer")}>
                  {invoice.customer.name}
                  <br />
                  <span className="text-muted">{invoice.customer.address}</span>
                </Fact>
              )}
              <Fact name={t("invoice.usagePoint")}>
                {invoice.usage_point.name}
                <br />
                <span className="text-muted">{invoice.usage_point.address}</span>
              </Fact>
              <Fact name={t("invoice.period")}>
                {format.civilRange(invoice.from.slice(0, 10), format.lastDay(invoice.to))}
                <br />
                <span className="text-muted">{t("invoice.days", { n: invoice.days })}</span>
              </Fact>
              <Fact name={t("invoice.issuer")}>
                {invoice.issuer.name}
                <br />
                <span className="text-muted">{invoice.issuer.document}</span>
              </Fact>
            </dl>
            {invoice.bar_code_line && invoice.state === "open" && <BarCode line={invoice.bar_code_line} />}
            <Comparison invoice={invoice} />
          </div>
        </div>
      </section>
      <Corrected invoice={invoice} />
      <Corrections invoice={invoice} />
      <Panel title={t("invoice.calculated")}>
        <LineTable lines={invoice.lines} total={invoice.total} format={format} currency={invoice.currency} />
        {invoice.taxes.length > 0 && (
          <>
            <h3 className="mb-1 mt-6 text-sm font-semibold text-muted">{t("invoice.taxes")}</h3>
            <table className="data">
              <thead>
                <tr>
                  <th scope="col">{t("invoice.tax")}</th>
                  <th scope="col" className="num">
                    {t("invoice.base")}
                  </th>
                  <th scope="col" className="num">
                    {t("invoice.rate")}
                  </th>
                  <th scope="col" className="num">
                    {t("lines.amount")}
                  </th>
                </tr>
              </thead>
              <tbody>
                {invoice.taxes.map((tax) => (
                  <tr key={tax.name}>
                    <th scope="row">
                      {tax.name}
                      {!tax.included && <span className="text-muted"> · {t("invoice.taxAdded")}</span>}
                    </th>
                    <td className="num">{format.money(tax.base, invoice.currency)}</td>
                    <td className="num">{format.rate(tax.rate)}</td>
                    <td className="num">{format.money(tax.amount, invoice.currency)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            <p className="mt-2 text-[0.8125rem] text-muted">{t("invoice.taxesNote")}</p>
          </>
        )}
      </Panel>
      <div className="grid gap-4 rail:grid-cols-2 rail:gap-6">
        <Meter invoice={invoice} />
        <MonthHistory invoice={invoice} />
      </div>
      <p className="break-all text-xs text-muted">{t("invoice.digest", { digest: invoice.plan_digest })}</p>
    </>
  );
}

/** The line that people type into their bank's page where they cannot scan. */
function BarCode({ line }: { line: string }) {
  const t = useT();
  return (
    <div className="mt-5 flex flex-wrap items-end gap-3">
      <label className="field min-w-0 grow basis-64">
        <span className="text-sm text-muted">{t("invoice.barCode")}</span>
        <input className="input no-print tabular text-sm" readOnly value={line} onFocus={(event) => event.target.select()} />
        <span className="tabular hidden print:block">{line}</span>
      </label>
      <IconButton
        name="copy"
        className="no-print border border-hairline"
        label={t("invoice.barCodeCopy")}
        onClick={() => void copyText(line.replace(/\D/g, "")).then((done) => toast(t(done ? "invoice.barCodeCopied" : "copy.failed")))}
      />
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Meter({ invoice }: { invoice: Invoice }) {
  const t = useT();
  const { format } = useSession();
  const { meters, quality } = invoice;
  const total = quality.measured + quality.estimated + quality.edited + quality.missing;
  return (
    <Panel title={t("invoice.readings")}>
      {meters.map((meter) => <table key={`${meter.serial} ${meter.start_at}`} className="data mb-4">
        <tbody>
          <tr>
            <th scope="row">{t("invoice.meter")}</th>
            <td className="num">
              {meter.serial}
              {meter.constant !== "1" && <span className="block text-[0.8125rem] text-muted">{t("invoice.constant", { constant: format.decimal(meter.constant, 3) })}</span>}
            </td>
          </tr>
          <tr>
            <th scope="row">
              {t("invoice.start")}
              <span className="block text-[0.8125rem] text-muted">{format.dateTime(meter.start_at)}</span>
            </th>
            <td className="num">{format.energyExact(meter.start_wh)}</td>
          </tr>
          <tr>
            <th scope="row">
              {t("invoice.end")}
              <span className="block text-[0.8125rem] text-muted">
                {format.dateTime(meter.end_at)}
                {meter.estimated && ` · ${t("invoice.estimatedReading")}`}
              </span>
            </th>
            <td className="num">{format.energyExact(meter.end_wh)}</td>
          </tr>
          <tr>
            <th scope="row" className="font-semibold">
              {t("invoice.difference")}
            </th>
            <td className="num font-semibold">{format.energyExact(meter.wh ?? meter.end_wh - meter.start_wh)}</td>
          </tr>
        </tbody>
      </table>)}
      <p className="mt-3 text-sm text-muted">
        {quality.measured === total
          ? t("invoice.allMeasured", { all: format.integer(total) })
          : t("quality.ofIntervals", { ...quality, all: total })}
      </p>
      <p className="mt-1 text-sm text-muted">{t("invoice.nextReading", { date: format.civilDay(invoice.next_reading) })}</p>
    </Panel>
  );
}
