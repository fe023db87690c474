import type { HistorySearch } from "@/shared/period/search";
import { addDays, type CivilDate } from "@/shared/period/civil";
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

/** A chosen stretch of days is at most so long: ten years. */
const LONGEST_DAYS = 3660;
/** A stretch that is asked for its cost, in seconds: as long as the server prices at once. */
const LONGEST_SELECTION = 800 * 86_400;

interface Known {
  today: CivilDate;
  /** The day of the first reading; null before there is one. */
  earliest: CivilDate | null;
  locale: string;
  bills: readonly BillPeriod[];
  lab: boolean;
  unit: View["unit"];
}

const later = (a: CivilDate, b: CivilDate) => (a > b ? a : b);
const earlier = (a: CivilDate, b: CivilDate) => (a < b ? a : b);

/** What the address says, with the nearest sensible view where it says nothing or what cannot be. */
export function viewOf(search: HistorySearch, { today, earliest, locale, bills, lab, unit }: Known): View {
  const kind = search.p ?? (lab ? "day" : "bill");
  const within = (date: CivilDate) => earlier(today, later(earliest ?? today, date));
  const [start = 0, end = 0] = search.sel?.split("..").map(Number) ?? [];
  return {
    period: kind === "custom" ? custom() : periodAt(kind, search.from === undefined ? today : within(search.from), locale, bills),
    relative: search.from === undefined,
    unit: search.u ?? unit,
    compare: search.cmp ?? "expected",
    as: search.view ?? "chart",
    selection: end > start && end - start <= LONGEST_SELECTION ? [start, end] : null,
  };

  /** The days that were chosen, as far as there can be readings; the last week where none were. */
  function custom(): Period {
    const tomorrow = addDays(today, 1);
    const to = search.to === undefined ? tomorrow : earlier(tomorrow, later(addDays(earliest ?? today, 1), search.to));
    const wanted = search.from === undefined ? addDays(to, -7) : within(search.from);
    const from = later(addDays(to, -LONGEST_DAYS), earlier(wanted, addDays(to, -1)));
    return { kind: "custom", from, to };
  }
}

/** The bills a person can step through: the current one and those that were issued. */
export function billPeriods(current: { from: string; to: string } | null, issued: readonly { from: string; to: string }[], lastDay: (end: string) => string): BillPeriod[] {
  return [...(current ? [current] : []), ...issued].map(({ from, to }) => ({ from: from.slice(0, 10), to: addDays(lastDay(to), 1) }));
}
