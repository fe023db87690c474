import type { HistorySearch } from "@/shared/period/search";
import { addDays, isCivilDate, type CivilDate } from "@/shared/period/civil";
import { periodAt, type BillPeriod, type Period } from "@/shared/period/period";

export interface View {
  period: Period;
  /** True while the address names no date: the view moves on with time. */
  relative: boolean;
  unit: "money" | "kwh";
  compare: "expected" | "prev" | "year" | "none";
  as: "chart" | "list";
  selection: readonly [number, number] | null;
}

/** What the address says, with the nearest sensible view where it says nothing. */
export function viewOf(search: HistorySearch, today: CivilDate, locale: string, bills: readonly BillPeriod[], lab: boolean, unit: View["unit"] = "kwh"): View {
  const kind = search.p ?? (lab ? "day" : "bill");
  const anchor = search.from !== undefined && search.from <= today ? search.from : today;
  const period =
    kind === "custom" && search.from !== undefined && search.to !== undefined && isCivilDate(search.to) && search.to > search.from
      ? { kind, from: search.from, to: search.to }
      : periodAt(kind, anchor, locale, bills);
  const [start = 0, end = 0] = search.sel?.split("..").map(Number) ?? [];
  return {
    period,
    relative: search.from === undefined,
    unit: search.u ?? unit,
    compare: search.cmp ?? "expected",
    as: search.view ?? "chart",
    selection: end > start ? [start, end] : null,
  };
}

/** The bills a person can step through: the current one and those that were issued. */
export function billPeriods(current: { from: string; to: string } | null, issued: readonly { from: string; to: string }[], lastDay: (end: string) => string): BillPeriod[] {
  return [...(current ? [current] : []), ...issued].map(({ from, to }) => ({ from: from.slice(0, 10), to: addDays(lastDay(to), 1) }));
}
