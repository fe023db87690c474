import type { BillSoFar } from "@/shared/api/types";
import { MeterLegend, MeterLine } from "@/shared/chart/MeterLine";
import { toPosition } from "@/shared/format/decimal";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Card, Empty } from "@/shared/ui/Card";
import { Icon } from "@/shared/ui/icons";
import { LineTable } from "@/shared/ui/LineTable";
import type { HomeAnswer } from "./answer";

export function BillCard({ answer }: { answer: HomeAnswer }) {
  const t = useT();
  const { format, usagePoint } = useSession();
  return (
    <Card
      title={t("home.bill.title")}
      size="h-52"
      answer={answer}
      aside={answer.data?.bill && <span className="text-sm text-muted">{t("home.bill.day", { day: answer.data.bill.day, days: answer.data.bill.days })}</span>}
      empty={({ bill }) => (bill === null ? <Empty>{t(usagePoint.first_reading === null ? "home.bill.none" : "home.bill.noTariff")}</Empty> : null)}
      strip={({ bill }) =>
        bill && bill.missing + bill.estimated > 0 ? t("quality.partial", { estimated: bill.estimated, missing: bill.missing }) : null
      }
    >
      {({ bill }) => bill && <Filled bill={bill} />}
    </Card>
  );

  function Filled({ bill }: { bill: BillSoFar }) {
    const range = bill.projected_low !== null && bill.projected_high !== null;
    const low = toPosition(bill.projected_low ?? bill.amount);
    const high = toPosition(bill.projected_high ?? bill.amount);
    const previous = bill.previous_amount === null ? null : toPosition(bill.previous_amount);
    // The line is as long as the largest figure on it, with a little air.
    const whole = Math.max(high, previous ?? 0, toPosition(bill.amount)) * 1.06 || 1;
    const likely = range
      ? t("home.bill.likely", { low: format.moneyShort(bill.projected_low ?? "0"), high: format.moneyShort(bill.projected_high ?? "0") })
      : null;
    const verdict =
      range && previous !== null
        ? low > previous
          ? t("home.bill.above", { amount: format.moneyShort(bill.previous_amount ?? "0") })
          : high < previous
            ? t("home.bill.below", { amount: format.moneyShort(bill.previous_amount ?? "0") })
            : t("home.bill.around", { amount: format.moneyShort(bill.previous_amount ?? "0") })
        : null;
    return (
      <>
        <p className="numeral mt-1">
          {bill.at_least && <span className="me-2 text-[0.5em] font-normal tracking-normal text-muted">{t("quality.atLeast")}</span>}
          {format.money(bill.amount)}
        </p>
        <p className="tabular mt-1 text-muted">
          {format.energyText(bill.wh)} · {format.civilRange(bill.from.slice(0, 10), format.lastDay(bill.to))}
        </p>
        <div className="mt-4">
          <MeterLine
            fill={toPosition(bill.amount) / whole}
            band={range ? [low / whole, high / whole] : null}
            tick={previous === null ? null : previous / whole}
            summary={[t("home.bill.soFar", { amount: format.money(bill.amount) }), likely].filter(Boolean).join(". ")}
          />
          <MeterLegend
            items={[
              { mark: "fill" as const, text: t("home.bill.fill") },
              ...(likely ? [{ mark: "band" as const, text: likely }] : []),
              ...(bill.previous_amount ? [{ mark: "tick" as const, text: t("home.bill.previous", { amount: format.moneyShort(bill.previous_amount) }) }] : []),
            ]}
          />
        </div>
        {verdict && <p className="mt-3">{verdict}</p>}
        <details className="disclosure mt-2">
          <summary>
            {t("home.bill.how")}
            <Icon name="down" size={16} />
          </summary>
          <LineTable lines={bill.lines} total={bill.amount} format={format} />
          <p className="mt-2 text-sm text-muted">{t("home.bill.tariff", { name: bill.tariff.name, version: bill.tariff.version })}</p>
        </details>
      </>
    );
  }
}
