import { civilDateAt, midnight } from "@/shared/period/civil";
import { absolute } from "./decimal";

export type Locale = "pt-BR" | "en" | "es";
export const locales: readonly Locale[] = ["pt-BR", "en", "es"];

export interface Quantity {
  value: string;
  unit: string;
}

const digits = (least: number, most = least): Intl.NumberFormatOptions => ({
  minimumFractionDigits: least,
  maximumFractionDigits: most,
});

function scale(value: number, small: string, large: string): [number, string, Intl.NumberFormatOptions] {
  const size = Math.abs(value);
  if (size < 1000) return [value, small, digits(0)];
  if (size < 10_000) return [value / 1000, large, digits(2)];
  if (size < 100_000) return [value / 1000, large, digits(1)];
  return [value / 1000, large, digits(0)];
}

function instantOrCivil(text: string, zone: string): number {
  return text.length === 10 ? midnight(text, zone).getTime() : Date.parse(text);
}

function currencySign(locale: Locale, currency: string): string {
  const parts = new Intl.NumberFormat(locale, { style: "currency", currency }).formatToParts(0);
  return parts.find((part) => part.type === "currency")?.value ?? currency;
}

/** Everything that turns a figure into text, in one locale and one zone. No other module formats. */
export function createFormat(locale: Locale, zone: string, currency: string) {
  const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();
  const numbers = (options: Intl.NumberFormatOptions) => {
    const key = `n${JSON.stringify(options)}`;
    const found = cache.get(key) ?? new Intl.NumberFormat(locale, options);
    cache.set(key, found);
    return found as Intl.NumberFormat;
  };
  const dates = (options: Intl.DateTimeFormatOptions) => {
    const key = `d${JSON.stringify(options)}`;
    const found = cache.get(key) ?? new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
    cache.set(key, found);
    return found as Intl.DateTimeFormat;
  };
  const quantity = (value: number, small: string, large: string): Quantity => {
    const [scaled, unit, options] = scale(value, small, large);
    return { value: numbers(options).format(scaled), unit };
  };
  const joined = ({ value, unit }: Quantity) => `${value} ${unit}`;
  // Intl takes decimal strings exactly; its type only says so from a later library on.
  const exact = (decimal: string) => decimal as unknown as number;
  const instant = (time: string | number | Date) => new Date(time);
  // A civil date is formatted in UTC, where it has no zone to move it by a day.
  const civil = (date: string) => new Date(`${date}T00:00:00Z`);
  const utc = (options: Intl.DateTimeFormatOptions) => dates({ timeZone: "UTC", ...options });

  return {
    locale,
    zone,
    currency,

    power: (watts: number) => quantity(watts, "W", "kW"),
    powerText: (watts: number) => joined(quantity(watts, "W", "kW")),
    energy: (wh: number) => quantity(wh, "Wh", "kWh"),
    energyText: (wh: number) => joined(quantity(wh, "Wh", "kWh")),
    /** All of it, for tables: a watt-hour is not rounded away. */
    energyExact: (wh: number) => `${numbers(digits(3)).format(wh / 1000)} kWh`,
    /** An axis of one unit. */
    energyTick: (wh: number, most: number) =>
      most < 1000 ? numbers(digits(0, 0)).format(wh) : numbers(digits(0, most < 5000 ? 1 : 0)).format(wh / 1000),
    energyUnit: (most: number) => (most < 1000 ? "Wh" : "kWh"),

    /** "R$": as short as the reader's locale has it. */
    currencySign: currencySign(locale, currency),
    money: (decimal: string, of = currency) =>
      numbers({ style: "currency", currency: of }).format(exact(decimal)),
    /** Without cents, for sentences and axes. */
    moneyShort: (decimal: string | number, of = currency) =>
      numbers({ style: "currency", currency: of, maximumFractionDigits: 0 }).format(exact(String(decimal))),
    moneyTick: (value: number, most: number) =>
      numbers({ style: "currency", currency, ...digits(most < 5 ? 2 : 0) }).format(value),
    /** A unit price keeps the digits that the tariff gives it. */
    price: (decimal: string, of = currency) =>
      numbers({ style: "currency", currency: of, minimumFractionDigits: 2, maximumFractionDigits: 8 }).format(exact(decimal)),
    decimal: (decimal: string, most = 3) => numbers(digits(0, most)).format(exact(decimal)),
    integer: (value: number) => numbers(digits(0)).format(value),
    /** The size of a percentage; its direction is said in words. */
    percent: (decimal: string) => `${numbers(digits(0, 0)).format(exact(absolute(decimal)))}%`,
    /** A fraction: "0.205" is 20.5%. */
    rate: (fraction: string) => numbers({ style: "percent", ...digits(0, 3) }).format(exact(fraction)),

    time: (at: string | number | Date) => dates({ hour: "2-digit", minute: "2-digit" }).format(instant(at)),
    timeSeconds: (at: string | number | Date) =>
      dates({ hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(instant(at)),
    dateTime: (at: string | number | Date) =>
      dates({ day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(instant(at)),
    day: (at: string | number | Date) => dates({ day: "numeric", month: "long" }).format(instant(at)),
    dayTime: (at: string | number | Date) =>
      dates({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(instant(at)),
    weekday: (at: string | number | Date) => dates({ weekday: "short" }).format(instant(at)).replace(".", ""),
    weekdayLong: (at: string | number | Date) =>
      dates({ weekday: "long", day: "numeric", month: "long" }).format(instant(at)),
    dayOfMonth: (at: string | number | Date) => dates({ day: "numeric" }).format(instant(at)),
    monthShort: (at: string | number | Date) => dates({ month: "short" }).format(instant(at)).replace(".", ""),
    monthLong: (at: string | number | Date) => dates({ month: "long", year: "numeric" }).format(instant(at)),
    hour: (at: string | number | Date) => dates({ hour: "2-digit", minute: "2-digit" }).format(instant(at)),

    civilDay: (date: string) => utc({ day: "numeric", month: "long", year: "numeric" }).format(civil(date)),
    civilDayMonth: (date: string) => utc({ day: "numeric", month: "long" }).format(civil(date)),
    civilShort: (date: string) => utc({ day: "numeric", month: "short" }).format(civil(date)),
    civilWeekday: (date: string) => utc({ weekday: "long", day: "numeric", month: "long" }).format(civil(date)),
    civilMonth: (date: string) => utc({ month: "long", year: "numeric" }).format(civil(date)),
    civilMonthShort: (date: string) => utc({ month: "short", year: "2-digit" }).format(civil(date)).replace(".", ""),
    civilRange: (first: string, last: string) =>
      utc({ day: "numeric", month: "short", year: "numeric" }).formatRange(civil(first), civil(last)),
    /** The last civil day before an end, which is an instant at local midnight or a civil date itself. */
    lastDay: (end: string) => civilDateAt(new Date(instantOrCivil(end, zone) - 1), zone),
    range: (from: string, to: string) =>
      dates({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).formatRange(instant(from), instant(to)),
  };
}

export type Format = ReturnType<typeof createFormat>;
