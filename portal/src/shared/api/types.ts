import type { components } from "./schema";
import type { Written } from "./written";

type Schemas = { [K in keyof components["schemas"]]: Written<components["schemas"][K]> };

export type Options = Schemas["Options"];
export type Me = Schemas["Me"];
export type UsagePoint = Schemas["MeUsagePoint"];
export type Home = Schemas["Home"];
export type Now = Schemas["Now"];
export type BillSoFar = Schemas["BillSoFar"];
export type Today = Schemas["Today"];
export type Line = Schemas["Line"];
export type Reading = Schemas["Reading"];
export type InvoiceSummary = Schemas["InvoiceSummary"];
export type Invoice = Schemas["Invoice"];
export type AlertEvent = Schemas["AlertEvent"];
export type AlertRefusal = Schemas["AlertRefusal"];
export type AlertPreview = Schemas["AlertPreview"];
export type Delivery = Schemas["Delivery"];
export type Destination = Schemas["DestinationDocument"];
export type AlertRule = Schemas["AlertRule"];
export type Alerts = Schemas["Alerts"];
export type UsageTotal = Schemas["Total"];
export type Stretch = Schemas["StretchDocument"];
export type Events = Schemas["Events"];
export type NamedEvent = Schemas["NamedEvent"];
export type Tariff = Schemas["Tariff"];

interface Span {
  start: string;
  end: string;
  expectedWh: number | null;
  /** What the usual energy would have cost, with the share of what is charged beside energy. */
  expectedAmount: string | null;
  /** The share of what is charged beside energy: it is owed whether or not the energy is known. */
  fixedAmount: string | null;
}

export type Level = "off_peak" | "shoulder" | "peak";

/** Energy in one period of the day. */
export interface Part {
  period: string;
  level: Level;
  wh: number;
  amount: string | null;
}

/** An interval that is known, and how it is known. */
export interface KnownInterval extends Span {
  quality: "measured" | "estimated" | "edited";
  wh: number;
  /** What the energy cost. */
  amount: string | null;
  /** With its share of what is charged beside energy: so the intervals of a bill add up to it. */
  totalAmount: string | null;
  /** A part of it is missing. */
  atLeast: boolean;
  /** By period of the day, the cheapest first; empty where the tariff has none. */
  parts: readonly Part[];
}

/** An interval that nobody knows. It has no energy at all, so that nothing can add it up as zero. */
export interface MissingInterval extends Span {
  quality: "missing";
}

export type Interval = KnownInterval | MissingInterval;

export interface Usage extends Omit<Schemas["Usage"], "intervals" | "compare"> {
  intervals: Interval[];
  compare: { from: string; to: string; intervals: Interval[]; total: UsageTotal } | null;
}

const levels = ["off_peak", "shoulder", "peak"] as const;

/** One of the three colours; a newer server's word is the plain one. */
export function level(word: string): Level {
  return levels.find((known) => known === word) ?? "off_peak";
}

const qualities = ["measured", "estimated", "edited"] as const;

/** The server's interval as a union that does not compile where a missing one is used as a number. */
export function interval(raw: Schemas["Interval"]): Interval {
  const span = { start: raw.start, end: raw.end, expectedWh: raw.expected_wh ?? null, expectedAmount: raw.expected_amount, fixedAmount: raw.fixed_amount };
  const quality = qualities.find((known) => known === raw.quality);
  if (quality === undefined || raw.wh === null) return { ...span, quality: "missing" };
  const parts = raw.parts.map((part) => ({ ...part, level: level(part.level) }));
  return { ...span, quality, wh: raw.wh, amount: raw.amount, totalAmount: raw.total_amount, atLeast: raw.at_least, parts };
}

export function usage(raw: Schemas["Usage"]): Usage {
  return {
    ...raw,
    intervals: raw.intervals.map(interval),
    compare: raw.compare && { ...raw.compare, intervals: raw.compare.intervals.map(interval) },
  };
}
