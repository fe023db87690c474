import type { Interval, KnownInterval } from "@/shared/api/types";
import { addDays, weekday, type CivilDate } from "@/shared/period/civil";

export interface DayOfHours {
  date: CivilDate;
  /** By wall-clock hour; null is unknown, undefined is yet to come. */
  hours: (number | null | undefined)[];
}

/** Hours sorted into days. An hour that the wall shows twice is the sum of both. */
export function days(intervals: readonly Interval[], from: CivilDate, to: CivilDate): DayOfHours[] {
  const found = new Map<CivilDate, DayOfHours>();
  for (let date = from; date < to; date = addDays(date, 1)) found.set(date, { date, hours: Array.from({ length: 24 }, () => undefined) });
  for (const interval of intervals) {
    const day = found.get(interval.start.slice(0, 10));
    const hour = Number(interval.start.slice(11, 13));
    if (!day) continue;
    const before = day.hours[hour];
    if (interval.quality === "missing" || before === null) day.hours[hour] = null;
    else day.hours[hour] = (before ?? 0) + interval.wh;
  }
  return [...found.values()];
}

/** The mean of each hour over the known ones; null where there is none. */
export function averageDay(of: readonly DayOfHours[]): (number | null)[] {
  return Array.from({ length: 24 }, (_, hour) => {
    const known = of.flatMap((day) => (typeof day.hours[hour] === "number" ? [day.hours[hour]] : []));
    return known.length === 0 ? null : known.reduce((sum, wh) => sum + wh, 0) / known.length;
  });
}

export function isWeekend(date: CivilDate): boolean {
  return weekday(date) === 0 || weekday(date) === 6;
}

/** What never goes off, in W: the median over the whole days of their lowest hour. Null below five days. */
export function alwaysOn(of: readonly DayOfHours[]): { watts: number; days: number } | null {
  const lowest = of
    .flatMap(({ hours }) => {
      const known = hours.filter((wh) => typeof wh === "number");
      return known.length >= 23 ? [Math.min(...known)] : [];
    })
    .sort((a, b) => a - b);
  const watts = lowest[Math.floor(lowest.length / 2)];
  return watts === undefined || lowest.length < 5 ? null : { watts: Math.round(watts), days: lowest.length };
}

export function highest(intervals: readonly Interval[], count: number): KnownInterval[] {
  return intervals
    .flatMap((interval) => (interval.quality === "missing" ? [] : [interval]))
    .sort((a, b) => b.wh - a.wh)
    .slice(0, count);
}
