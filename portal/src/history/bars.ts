import type { Interval, Usage } from "@/shared/api/types";
import type { BarDatum } from "@/shared/chart/Bars";
import { toPosition } from "@/shared/format/decimal";
import type { Format } from "@/shared/format/format";
import type { Translate } from "@/shared/i18n/i18n";
import type { Period } from "@/shared/period/period";
import type { View } from "./view";
import { intervalWords, spanWords } from "./words";

/** The height of an interval in the chosen unit; null where it is unknown or has no price. */
export function height(interval: Interval, unit: View["unit"]): number | null {
  if (interval.quality === "missing") return null;
  if (unit === "kwh") return interval.wh;
  return interval.amount === null ? null : toPosition(interval.amount);
}

/** Under the axis: an hour's time, a day's number, a month's name; in a week of hours, the weekday at noon. */
export function axisLabel(interval: Interval, step: string, period: Period, format: Format): string {
  switch (step) {
    case "month":
      return format.monthShort(interval.start);
    case "year":
      return interval.start.slice(0, 4);
    case "week":
    case "day":
      return format.dayOfMonth(interval.start);
    default: {
      const time = interval.start.slice(11, 16);
      if (period.kind === "day") return time.endsWith(":00") ? time.slice(0, 2) : "";
      return time === "12:00" ? `${format.weekday(interval.start)} ${format.dayOfMonth(interval.start)}` : "";
    }
  }
}

export function bars(usage: Usage, view: View, now: Date, t: Translate, format: Format): BarDatum[] {
  const others = view.compare === "prev" || view.compare === "year" ? usage.compare?.intervals : undefined;
  return usage.intervals.map((interval, index) => {
    const other = others?.[index];
    const expected = view.compare === "expected" && view.unit === "kwh" ? interval.expectedWh : null;
    const future = Date.parse(interval.start) >= now.getTime();
    const value = height(interval, view.unit);
    return {
      key: interval.start,
      // What has not happened yet is neither known nor a gap: it is drawn as nothing.
      value: future ? 0 : value,
      reference: other ? height(other, view.unit) : expected,
      estimated: interval.quality === "estimated" || interval.quality === "edited",
      label: axisLabel(interval, usage.step, view.period, format),
      words: future && interval.quality === "missing" ? t("words.future", { span: spanWords(interval, usage.step, format) }) : intervalWords(interval, usage.step, t, format),
    };
  });
}
