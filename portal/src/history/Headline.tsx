import type { UseQueryResult } from "@tanstack/react-query";
import type { Usage } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { cx } from "@/shared/ui/cx";
import type { View } from "./view";
import { change, when } from "./words";

/** The answer, as one sentence: how much, when, for how much, against what. */
export function Headline({ answer, view }: { answer: UseQueryResult<Usage>; view: View }) {
  const t = useT();
  const { format, today, usagePoint } = useSession();
  const usage = answer.data;
  if (!usage) return <h1 className="min-h-24 text-2xl font-semibold text-muted">{answer.error ? t("nav.history") : ""}</h1>;
  const period = when(view.period, today, t, format);
  const { total } = usage;
  if (total.wh === null) return <h1 className="text-2xl font-semibold">{t("history.nothing", { when: period })}</h1>;
  const energy = format.energyText(total.wh);
  // With what is charged beside energy: the sum of the bars, and of a whole bill the bill.
  const amount = total.total_amount ?? total.amount;
  const money = amount === null ? null : format.money(amount);
  const byMoney = view.unit === "money" && money !== null;
  const rest = [byMoney ? energy : money, change(usage, view.period, usagePoint.first_reading, t, format)].filter((part) => part !== null);
  return (
    <h1 className={cx("flex flex-wrap items-baseline gap-x-3", answer.isPlaceholderData && "opacity-60")}>
      {total.at_least && <span className="text-muted">{t("quality.atLeast")} </span>}
      <span className="numeral">{byMoney ? money : energy}</span>{" "}
      <span className="text-lg text-muted text-wrap">
        {period}
        {rest.length > 0 && `, ${rest.join(", ")}`}
      </span>
    </h1>
  );
}
