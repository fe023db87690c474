import type { Locale } from "@/shared/i18n/locale";
import { civilDateAt, midnight } from "@/shared/period/civil";
import { absolute } from "./decimal";


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

const civil = (date: string) => new Date(`${date}T00:00:00Z`);

/** How far from now a date may be written without its year: ten months, in milliseconds. */
const NEAR = 300 * 86_400_000;

/** Everything that turns a figure into text, in one locale and one zone. No other module formats. */
export function createFormat(locale: Locale, zone: string, currency: string) {
  // Making a formatter costs more than a hundred uses of it, so each is made once, when first needed.
  const cache = new Map<string, Intl.NumberFormat>();
  const numbers = (options: Intl.NumberFormatOptions) => {
    const key = `${options.style ?? ""} ${options.currency ?? options.unit ?? ""} ${options.minimumFractionDigits ?? ""} ${options.maximumFractionDigits ?? ""}`;
    const found = cache.get(key) ?? new Intl.NumberFormat(locale, options);
    cache.set(key, found);
    return found;
  };
  const dates = (options: Intl.DateTimeFormatOptions) => {
    let made: Intl.DateTimeFormat | undefined;
    return () => (made ??= new Intl.DateTimeFormat(locale, { timeZone: zone, ...options }));
  };
  const at = (options: Intl.DateTimeFormatOptions) => {
    const format = dates(options);
    return (time: string | number | Date) => format().format(new Date(time));
  };
  // Without a year a date means the nearest one of its name.
  const near = (options: Intl.DateTimeFormatOptions) => {
    const short = at(options);
    const long = at({ year: "numeric", ...options });
    return (time: string | number | Date) => (Math.abs(Date.now() - new Date(time).getTime()) < NEAR ? short(time) : long(time));
  };
  const on = (options: Intl.DateTimeFormatOptions) => {
    // A civil date is formatted in UTC, where it has no zone to move it by a day.
    const format = dates({ timeZone: "UTC", ...options });
    return (date: string) => format().format(civil(date));
  };
  const undotted = <A>(write: (value: A) => string) => (value: A) => write(value).replace(".", "");
  const days = dates({ timeZone: "UTC", day: "numeric", month: "short", year: "numeric" });
  const times = dates({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const quantity = (value: number, small: string, large: string): Quantity => {
    const [scaled, unit, options] = scale(value, small, large);
    return { value: numbers(options).format(scaled), unit };
  };
  const joined = ({ value, unit }: Quantity) => `${value} ${unit}`;
  // Intl takes decimal strings exactly; its type only says so from a later library on.
  const exact = (decimal: string) => decimal as unknown as number;
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
    powerUnit: (most: number) => (most < 1000 ? "W" : "kW"),
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
    /** A unit price to be read, not to be reckoned with. */
    priceShort: (decimal: string, of = currency) =>
      numbers({ style: "currency", currency: of, minimumFractionDigits: 2, maximumFractionDigits: 4 }).format(exact(decimal)),
    decimal: (decimal: string, most = 3) => numbers(digits(0, most)).format(exact(decimal)),
    integer: (value: number) => numbers(digits(0)).format(value),
    /** The size of a percentage; its direction is said in words. */
    percent: (decimal: string) => `${numbers(digits(0, 0)).format(exact(absolute(decimal)))}%`,
    /** A fraction: "0.205" is 20.5%. */
    rate: (fraction: string) => numbers({ style: "percent", ...digits(0, 3) }).format(exact(fraction)),

    /** "45 s", "9 min", "2 h 5 min". */
    duration: (seconds: number) => {
      const unit = (value: number, of: string) => numbers({ style: "unit", unit: of, unitDisplay: "short", ...digits(0) }).format(value);
      if (seconds < 60) return unit(Math.round(seconds), "second");
      const minutes = Math.round(seconds / 60);
      if (minutes < 60) return unit(minutes, "minute");
      const rest = minutes % 60;
      return [unit(Math.floor(minutes / 60), "hour"), ...(rest === 0 ? [] : [unit(rest, "minute")])].join(" ");
    },

    time: at({ hour: "2-digit", minute: "2-digit" }),
    timeSeconds: at({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    dateTime: at({ day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    day: near({ day: "numeric", month: "long" }),
    dayTime: near({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }),
    weekday: undotted(at({ weekday: "short" })),
    weekdayTime: at({ weekday: "short", hour: "2-digit", minute: "2-digit" }),
    weekdayLong: at({ weekday: "long", day: "numeric", month: "long" }),
    dayOfMonth: at({ day: "numeric" }),
    monthShort: undotted(at({ month: "short" })),
    monthLong: at({ month: "long", year: "numeric" }),
    hour: at({ hour: "2-digit", minute: "2-digit" }),

    civilDay: on({ day: "numeric", month: "long", year: "numeric" }),
    civilDayMonth: on({ day: "numeric", month: "long" }),
    civilShort: on({ day: "numeric", month: "short" }),
    civilWeekday: on({ weekday: "long", day: "numeric", month: "long" }),
    civilMonth: on({ month: "long", year: "numeric" }),
    civilMonthShort: undotted(on({ month: "short", year: "2-digit" })),
    civilRange: (first: string, last: string) => days().formatRange(civil(first), civil(last)),
    /** The last civil day before an end, which is an instant at local midnight or a civil date itself. */
    lastDay: (end: string) => civilDateAt(new Date(instantOrCivil(end, zone) - 1), zone),
    range: (from: string, to: string) => times().formatRange(new Date(from), new Date(to)),
  };
}

export type Format = ReturnType<typeof createFormat>;
