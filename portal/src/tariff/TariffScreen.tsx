import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { queries } from "@/shared/api/queries";
import type { Tariff } from "@/shared/api/types";
import { Legend, type LegendItem } from "@/shared/chart/Figure";
import { useT, type Key } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Card, Empty, Panel } from "@/shared/ui/Card";
import { periodName } from "@/shared/ui/periodName";
import { Ruler } from "./Ruler";

const marks = { off_peak: "series", shoulder: "shoulder", peak: "peak" } as const;

/** What a kWh costs, when, and on which days it is different. */
export function TariffScreen() {
  const t = useT();
  const { usagePoint } = useSession();
  const answer = useQuery(queries.tariff(usagePoint.id));
  useEffect(() => {
    document.title = `${t("nav.tariff")} · Corrente`;
  }, [t]);
  const tariff = answer.data;
  return (
    <div className="grid gap-4 rail:gap-6">
      <h1 className="text-2xl font-semibold">{t("tariff.title")}</h1>
      <Card title={tariff?.name ?? t("tariff.today")} size="h-40" answer={answer} empty={(found) => (found === null ? <Empty detail={t("tariff.noneDetail")}>{t("tariff.none")}</Empty> : null)}>
        {(found) => found && <Today tariff={found} />}
      </Card>
      {tariff && (
        <>
          <div className="grid items-start gap-4 rail:grid-cols-2 rail:gap-6">
            <Prices tariff={tariff} />
            <Beside tariff={tariff} />
          </div>
          {tariff.days.length > 1 && <Days tariff={tariff} />}
        </>
      )}
    </div>
  );
}

function Today({ tariff }: { tariff: Tariff }) {
  const t = useT();
  const { format } = useSession();
  const day = tariff.days[0];
  const now = day?.hours.find((hours) => Date.parse(hours.start) <= Date.parse(tariff.now) && Date.parse(tariff.now) < Date.parse(hours.end));
  const price = tariff.prices.find((one) => one.period === (now?.period ?? null)) ?? tariff.prices[0];
  const names = new Map(tariff.prices.map((one) => [one.level as keyof typeof marks, one.period]));
  const legend: LegendItem[] = (["off_peak", "shoulder", "peak"] as const).flatMap((level) => {
    const name = names.get(level);
    return name ? [{ mark: marks[level], text: periodName(t, name) }] : [];
  });
  const until = now && day?.hours.at(-1) !== now ? now.end : null;
  return (
    <>
      <p className="mt-1 flex flex-wrap items-baseline gap-x-3">
        {price && <span className="numeral">{format.priceShort(price.with_taxes, tariff.currency)}</span>}
        <span className="text-lg text-muted">
          {[t("tariff.perKwh"), now ? (until ? t("tariff.until", { period: periodName(t, now.period), time: format.time(until) }) : periodName(t, now.period)) : t("tariff.flat")].join(", ")}
        </span>
      </p>
      {day && (
        <div className="mt-5 grid gap-3">
          <Ruler day={day} now={tariff.now} large />
          <Legend items={legend} />
        </div>
      )}
      <p className="mt-4 text-sm text-muted">
        {t("tariff.version", { version: tariff.version, from: format.civilDay(tariff.valid_from) })}
        {tariff.example && ` ${t("tariff.example")}`}
      </p>
    </>
  );
}

function Prices({ tariff }: { tariff: Tariff }) {
  const t = useT();
  const { format } = useSession();
  const blocks = tariff.prices.some((price) => price.from_kwh !== "0");
  return (
    <Panel title={t("tariff.prices")}>
      <table className="data">
        <thead>
          <tr>
            <th scope="col">{t("tariff.when")}</th>
            <th scope="col" className="num">
              {t("tariff.net")}
            </th>
            <th scope="col" className="num">
              {t("tariff.withTaxes")}
            </th>
          </tr>
        </thead>
        <tbody>
          {tariff.prices.map((price) => (
            <tr key={`${price.period}-${price.from_kwh}`}>
              <th scope="row">
                {price.period === null ? t("tariff.always") : periodName(t, price.period)}
                {blocks && <span className="block text-[0.8125rem] text-muted">{t("tariff.fromKwh", { kwh: format.decimal(price.from_kwh) })}</span>}
              </th>
              <td className="num text-muted">{format.price(price.net, tariff.currency)}</td>
              <td className="num font-semibold">{format.price(price.with_taxes, tariff.currency)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="mt-2 text-[0.8125rem] text-muted">{t("tariff.pricesNote")}</p>
    </Panel>
  );
}

/** What is charged beside energy, and the taxes. */
function Beside({ tariff }: { tariff: Tariff }) {
  const t = useT();
  const { format } = useSession();
  if (tariff.fixed.length + tariff.taxes.length === 0) return null;
  return (
    <Panel title={t("tariff.beside")}>
      <table className="data">
        <tbody>
          {tariff.fixed.map((charge) => (
            <tr key={charge.label}>
              <th scope="row">{charge.label}</th>
              <td className="num">{t(`tariff.per.${charge.per}` as Key, { price: format.price(charge.price, tariff.currency) })}</td>
            </tr>
          ))}
          {tariff.taxes.map((tax) => (
            <tr key={tax.label}>
              <th scope="row">
                {tax.label}
                <span className="block text-[0.8125rem] text-muted">{t(tax.included ? "tariff.taxInside" : "tariff.taxOnTop")}</span>
              </th>
              <td className="num">{format.rate(tax.rate)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

/** The next days, since weekends and holidays have other hours. */
function Days({ tariff }: { tariff: Tariff }) {
  const t = useT();
  const { format } = useSession();
  return (
    <Panel title={t("tariff.days")}>
      <ul className="grid gap-1">
        {tariff.days.map((day) => (
          <li key={day.date} className="grid items-center gap-x-6 border-b border-hairline py-2 last:border-0 sm:grid-cols-[12rem_minmax(0,1fr)]">
            <p className="first-letter:uppercase">
              {format.civilWeekday(day.date)}
              {day.holiday && <span className="text-sm text-muted"> · {t("tariff.holiday")}</span>}
            </p>
            <Ruler day={day} />
          </li>
        ))}
      </ul>
      {tariff.holidays.length > 0 && (
        <details className="disclosure mt-2">
          <summary>{t("tariff.holidays", { n: tariff.holidays.length })}</summary>
          <ul className="grid gap-1 text-sm sm:grid-cols-2">
            {tariff.holidays.map((date) => (
              <li key={date}>{format.civilDay(date)}</li>
            ))}
          </ul>
        </details>
      )}
    </Panel>
  );
}
