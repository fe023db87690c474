import type { Interval, Usage } from "@/shared/api/types";
import type { BarDatum } from "@/shared/chart/Bars";
import { toPosition } from "@/shared/format/decimal";
import type { Format } from "@/shared/format/format";
import type { Translate } from "@/shared/i18n/i18n";
import { addDays, addMonths, civilDateAt, midnight } from "@/shared/period/civil";
import type { Period } from "@/shared/period/period";
import type { View } from "./view";
import { intervalWords, spanWords } from "./words";

/** A day in energy is drawn as power: what a quarter of an hour took, per hour. */
export function factorOf(view: Pick<View, "unit" | "period">, step: string): number {
  return view.unit === "kwh" && view.period.kind === "day" ? 3600 / (seconds[step] ?? 3600) : 1;
}

/** The height of an interval in the chosen unit; null where it is unknown or has no price. */
export function height(interval: Interval, unit: View["unit"]): number | null {
  if (interval.quality === "missing") return null;
  if (unit === "kwh") return interval.wh;
  return interval.totalAmount === null ? null : toPosition(interval.totalAmount);
}

/** What its height is made of, from the floor up. */
export function parts(interval: Interval, unit: View["unit"], factor: number): NonNullable<BarDatum["parts"]> {
  const fixed = unit === "money" && interval.fixedAmount !== null ? [{ kind: "base" as const, value: toPosition(interval.fixedAmount) }] : [];
  if (interval.quality === "missing") return fixed;
  return [
    ...fixed,
    ...interval.parts.flatMap((part) => {
      const value = unit === "kwh" ? part.wh * factor : part.amount === null ? null : toPosition(part.amount);
      return value === null ? [] : [{ kind: part.level, value }];
    }),
  ];
}

const seconds: Record<string, number> = { "15m": 900, "30m": 1800, hour: 3600 };

/** The steps of the period that have not begun: the server leaves them out, the axis does not. */
export function yetToCome(usage: Usage, period: Period): { start: string; end: string }[] {
  const to = midnight(period.to, usage.zone).getTime();
  let at = Date.parse(usage.intervals.at(-1)?.end ?? usage.from);
  const slots: { start: string; end: string }[] = [];
  while (at < to && slots.length < 1000) {
    const sub = seconds[usage.step];
    const date = civilDateAt(new Date(at), usage.zone);
    const next =
      sub !== undefined
        ? at + sub * 1000
        : midnight(
            usage.step === "day" ? addDays(date, 1) : usage.step === "week" ? addDays(date, 7) : addMonths(`${date.slice(0, 7)}-01`, usage.step === "year" ? 12 : 1),
            usage.zone,
          ).getTime();
    slots.push({ start: local(at, usage.zone), end: local(Math.min(next, to), usage.zone) });
    at = next;
  }
  return slots;
}

// Written like the server's instants, so that the labels read both alike.
function local(at: number, zone: string): string {
  const text = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }).format(new Date(at)).replace(" ", "T");
  const minutes = Math.round((Date.parse(`${text}Z`) - at) / 60_000);
  const two = (value: number) => String(Math.abs(value)).padStart(2, "0");
  return `${text}${minutes < 0 ? "-" : "+"}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`;
}

/** Under the axis: an hour's time, a day's number, a month's name; in a week of hours, the weekday at noon. */
export function axisLabel({ start }: { start: string }, step: string, period: Period, format: Format): string {
  switch (step) {
    case "month":
      return format.monthShort(start);
    case "year":
      return start.slice(0, 4);
    case "week":
    case "day":
      return format.dayOfMonth(start);
    default: {
      const time = start.slice(11, 16);
      if (period.kind === "day") return time.endsWith(":00") ? time.slice(0, 2) : "";
      return time === "12:00" ? format.weekday(start) : "";
    }
  }
}

export function bars(usage: Usage, view: View, t: Translate, format: Format): BarDatum[] {
  const others = view.compare === "prev" || view.compare === "year" ? usage.compare?.intervals : undefined;
  const factor = factorOf(view, usage.step);
  const times = (value: number | null) => (value === null ? null : value * factor);
  const reference = (index: number, interval: Interval | null) => {
    const other = others?.[index];
    if (other) return times(height(other, view.unit));
    if (view.compare !== "expected" || interval === null) return null;
    if (view.unit === "kwh") return times(interval.expectedWh);
    return interval.expectedAmount === null ? null : toPosition(interval.expectedAmount);
  };
  const known = usage.intervals.map((interval, index) => ({
    key: interval.start,
    value: times(height(interval, view.unit)),
    parts: parts(interval, view.unit, factor),
    reference: reference(index, interval),
    estimated: interval.quality === "estimated" || interval.quality === "edited",
    label: axisLabel(interval, usage.step, view.period, format),
    words: () => intervalWords(interval, usage.step, t, format, factor === 1 ? undefined : factor),
  }));
  const coming = yetToCome(usage, view.period).map((slot, index) => ({
    key: slot.start,
    future: true,
    // What has not happened yet is neither known nor a gap: it is drawn as nothing.
    value: 0,
    reference: reference(known.length + index, null),
    estimated: false,
    label: axisLabel(slot, usage.step, view.period, format),
    words: () => t("words.future", { span: spanWords(slot, usage.step, format) }),
  }));
  return [...known, ...coming];
}
