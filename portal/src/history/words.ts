import type { Interval, Usage } from "@/shared/api/types";
import { isNegative, isZero } from "@/shared/format/decimal";
import type { Format } from "@/shared/format/format";
import type { Translate } from "@/shared/i18n/i18n";
import { addDays, type CivilDate } from "@/shared/period/civil";
import { holds, type Period } from "@/shared/period/period";

/** "this week", "in October 2026", "on 18 November": when, within a sentence. */
export function when(period: Period, today: CivilDate, t: Translate, format: Format): string {
  const current = holds(period, today);
  switch (period.kind) {
    case "day":
      if (current) return t("when.today");
      return period.to === today ? t("when.yesterday") : t("when.on", { date: format.civilDay(period.from) });
    case "week":
      return current ? t("when.thisWeek") : t("when.span", { range: label(period, t, format) });
    case "month":
      return current ? t("when.thisMonth") : t("when.in", { period: format.civilMonth(period.from) });
    case "year":
      return current ? t("when.thisYear") : t("when.in", { period: period.from.slice(0, 4) });
    case "bill":
      return current ? t("when.thisBill") : t("when.billOf", { range: label(period, t, format) });
    case "custom":
      return t("when.span", { range: label(period, t, format) });
  }
}

/** The period's own name, for the bar that steps through periods. */
export function label(period: Period, _t: Translate, format: Format): string {
  switch (period.kind) {
    case "day":
      return format.civilWeekday(period.from);
    case "month":
      return format.civilMonth(period.from);
    case "year":
      return period.from.slice(0, 4);
    case "week":
    case "bill":
    case "custom":
      return format.civilRange(period.from, addDays(period.to, -1));
  }
}

/** "12% less than the week before", or null where there is nothing to compare with. */
export function change(usage: Usage, period: Period, firstReading: string | null, t: Translate, format: Format): string | null {
  const percent = usage.change?.wh_percent;
  if (percent === null || percent === undefined || !usage.compare) return null;
  // Against a stretch that is only partly known, a percentage would be nonsense.
  if (usage.compare.total.at_least || firstReading === null || Date.parse(firstReading) > Date.parse(usage.compare.from) + 86_400_000) return null;
  const base = t(`before.${period.kind}`);
  const size = format.percent(percent);
  if (isZero(percent) || size === "0%") return t("change.same", { base });
  return isNegative(percent) ? t("change.less", { percent: size, base }) : t("change.more", { percent: size, base });
}

/** The span of an interval, in the words that its length needs. */
export function spanWords(interval: Pick<Interval, "start" | "end">, step: string, format: Format): string {
  switch (step) {
    case "year":
      return format.monthLong(interval.start).replace(/\D*(\d{4}).*/, "$1");
    case "month":
      return format.monthLong(interval.start);
    case "week":
      return format.civilRange(interval.start.slice(0, 10), format.lastDay(interval.end));
    case "day":
      return format.weekdayLong(interval.start);
    default:
      return `${format.weekday(interval.start)} ${format.dayTime(interval.start)}–${format.time(interval.end)}`;
  }
}

export function intervalWords(interval: Interval, step: string, t: Translate, format: Format, factor?: number): string {
  const span = spanWords(interval, step, format);
  if (interval.quality === "missing") return t("words.missing", { span });
  const parts = [span];
  if (factor !== undefined) parts.push(format.powerText(Math.round(interval.wh * factor)));
  parts.push(interval.atLeast ? t("words.atLeast", { energy: format.energyText(interval.wh) }) : format.energyText(interval.wh));
  if (interval.totalAmount !== null) parts.push(format.money(interval.totalAmount));
  if (interval.quality !== "measured") parts.push(t(`quality.${interval.quality}`));
  return parts.join(", ");
}
