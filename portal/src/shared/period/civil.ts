/**
 * Civil dates ("2026-11-23") and their days in a zone. The one module that does date arithmetic.
 *
 * A civil date is counted in UTC, where every day has 24 hours; only `midnight` knows the zone, and
 * there a day may have 23, 24 or 25 hours.
 */
export type CivilDate = string;

const pattern = /^(\d{4})-(\d{2})-(\d{2})$/;

/** True for a date that exists. */
export function isCivilDate(text: string): boolean {
  const found = pattern.exec(text);
  if (!found) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

const toUtc = (date: CivilDate) => new Date(`${date}T00:00:00Z`);
const fromUtc = (date: Date): CivilDate => date.toISOString().slice(0, 10);

export function addDays(date: CivilDate, days: number): CivilDate {
  const utc = toUtc(date);
  utc.setUTCDate(utc.getUTCDate() + days);
  return fromUtc(utc);
}

/** The same day of another month, or its last day where that month is shorter. */
export function addMonths(date: CivilDate, months: number): CivilDate {
  const utc = toUtc(date);
  const day = utc.getUTCDate();
  utc.setUTCDate(1);
  utc.setUTCMonth(utc.getUTCMonth() + months);
  const last = new Date(Date.UTC(utc.getUTCFullYear(), utc.getUTCMonth() + 1, 0)).getUTCDate();
  utc.setUTCDate(Math.min(day, last));
  return fromUtc(utc);
}

export function daysBetween(from: CivilDate, to: CivilDate): number {
  return Math.round((toUtc(to).getTime() - toUtc(from).getTime()) / 86_400_000);
}

/** 0 is Sunday. */
export function weekday(date: CivilDate): number {
  return toUtc(date).getUTCDay();
}

const parts = new Map<string, Intl.DateTimeFormat>();

function wall(at: Date, zone: string): number {
  const format =
    parts.get(zone) ??
    new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  parts.set(zone, format);
  const found = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(
    found["year"] ?? 0,
    (found["month"] ?? 1) - 1,
    found["day"] ?? 1,
    found["hour"] ?? 0,
    found["minute"] ?? 0,
    found["second"] ?? 0,
  );
}

/** The civil date that a clock on the wall of the zone shows at an instant. */
export function civilDateAt(at: Date, zone: string): CivilDate {
  return fromUtc(new Date(wall(at, zone)));
}

/** "2026-11-23T14:05" on the wall of the zone, for a date and time field. */
export function wallTimeAt(at: Date, zone: string, seconds = false): string {
  return new Date(wall(at, zone)).toISOString().slice(0, seconds ? 19 : 16);
}

/**
 * The instant at which the zone's wall shows a date and time. Where the clock went back and shows it
 * twice, the first; where it went forward and never shows it, the instant of the change.
 */
export function instantOf(wallTime: string, zone: string): Date {
  const [date = "", time = ""] = wallTime.split("T");
  const wanted = Date.parse(`${date}T${time.length === 5 ? `${time}:00` : time || "00:00:00"}Z`);
  // Every offset that the zone has within a day of it: with two, the larger is the earlier instant.
  const offsets = [wanted - 86_400_000, wanted + 86_400_000].map((near) => wall(new Date(near), zone) - near);
  const exact = offsets.map((offset) => wanted - offset).filter((at) => wall(new Date(at), zone) === wanted);
  if (exact.length > 0) return new Date(Math.min(...exact));
  // Skipped: the offset from before the change reads the wall a little past the gap.
  let low = wanted - Math.max(...offsets);
  let high = wanted - Math.min(...offsets);
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (wall(new Date(middle), zone) >= wanted) high = middle;
    else low = middle;
  }
  return new Date(high);
}

/** The instant at which the civil date begins. */
export function midnight(date: CivilDate, zone: string): Date {
  return instantOf(`${date}T00:00:00`, zone);
}

/** 23, 24 or 25. */
export function hoursOf(date: CivilDate, zone: string): number {
  return (midnight(addDays(date, 1), zone).getTime() - midnight(date, zone).getTime()) / 3_600_000;
}
