import type { CivilDate } from "./civil";
import { addDays, addMonths, daysBetween, weekday } from "./civil";

export const periodKinds = ["bill", "day", "week", "month", "year", "custom"] as const;
export type PeriodKind = (typeof periodKinds)[number];

/** Civil dates, the first in, the last out: [from, to). */
export interface Period {
  kind: PeriodKind;
  from: CivilDate;
  to: CivilDate;
}

/** A known billing period: the current one and those of the issued invoices. */
export interface BillPeriod {
  from: CivilDate;
  to: CivilDate;
}

/** The first day of the week: Sunday in Brazil and the United States, Monday elsewhere. */
export function weekStart(locale: string): number {
  return locale === "es" ? 1 : 0;
}

const firstOfMonth = (date: CivilDate) => `${date.slice(0, 7)}-01`;

/** The period of a kind that holds a date. */
export function periodAt(kind: PeriodKind, date: CivilDate, locale: string, bills: readonly BillPeriod[] = []): Period {
  switch (kind) {
    case "day":
      return { kind, from: date, to: addDays(date, 1) };
    case "week": {
      const from = addDays(date, -((weekday(date) - weekStart(locale) + 7) % 7));
      return { kind, from, to: addDays(from, 7) };
    }
    case "month":
      return { kind, from: firstOfMonth(date), to: addMonths(firstOfMonth(date), 1) };
    case "year": {
      const from = `${date.slice(0, 4)}-01-01`;
      return { kind, from, to: addMonths(from, 12) };
    }
    case "bill": {
      // Before the first known bill, and in a lab without bills, the month stands in.
      const found = bills.find((bill) => bill.from <= date && date < bill.to);
      return found ? { kind, ...found } : { kind, from: firstOfMonth(date), to: addMonths(firstOfMonth(date), 1) };
    }
    case "custom":
      return { kind, from: date, to: addDays(date, 1) };
  }
}

/** The period before (-1) or after (1). A chosen stretch moves by its own length. */
export function step(period: Period, by: -1 | 1, locale: string, bills: readonly BillPeriod[] = []): Period {
  if (period.kind === "custom") {
    const days = daysBetween(period.from, period.to) * by;
    return { kind: "custom", from: addDays(period.from, days), to: addDays(period.to, days) };
  }
  return periodAt(period.kind, by === 1 ? period.to : addDays(period.from, -1), locale, bills);
}

export function holds(period: Period, date: CivilDate): boolean {
  return period.from <= date && date < period.to;
}

/** The step at which a period is drawn. */
export function chartStep(period: Period): "15m" | "hour" | "day" | "week" | "month" {
  switch (period.kind) {
    case "day":
      return "15m";
    case "week":
      return "hour";
    case "bill":
    case "month":
      return "day";
    case "year":
      return "month";
    case "custom": {
      const days = daysBetween(period.from, period.to);
      if (days <= 1) return "15m";
      if (days <= 10) return "hour";
      if (days <= 100) return "day";
      return days <= 400 ? "week" : "month";
    }
  }
}

/** Where a tap on a bar leads: one level in. */
export function inside(drawn: "15m" | "30m" | "hour" | "day" | "week" | "month" | "year"): PeriodKind | null {
  switch (drawn) {
    case "year":
      return "year";
    case "month":
      return "month";
    case "week":
      return "week";
    case "day":
    case "hour":
      return "day";
    case "15m":
    case "30m":
      return null;
  }
}
