import { expect, test } from "vitest";
import { chartStep, periodAt, step } from "./period";

const bills = [
  { from: "2025-12-12", to: "2026-01-13" },
  { from: "2026-01-13", to: "2026-02-11" },
];

test.each([
  ["day", "2026-11-23", "en", "2026-11-23", "2026-11-24"],
  ["week", "2026-11-23", "en", "2026-11-22", "2026-11-29"],
  ["week", "2026-11-23", "es", "2026-11-23", "2026-11-30"],
  ["week", "2026-01-01", "pt-BR", "2025-12-28", "2026-01-04"],
  ["month", "2026-02-14", "en", "2026-02-01", "2026-03-01"],
  ["year", "2026-02-14", "en", "2026-01-01", "2027-01-01"],
  ["bill", "2026-01-02", "en", "2025-12-12", "2026-01-13"],
  ["bill", "2026-01-13", "en", "2026-01-13", "2026-02-11"],
  // Outside of every known bill the month stands in.
  ["bill", "2025-06-10", "en", "2025-06-01", "2025-07-01"],
] as const)("the %s of %s (%s) is %s to %s", (kind, date, locale, from, to) => {
  expect(periodAt(kind, date, locale, bills)).toEqual({ kind, from, to });
});

test("a bill steps to its neighbour across the year", () => {
  const current = periodAt("bill", "2026-01-20", "en", bills);
  expect(step(current, -1, "en", bills)).toEqual({ kind: "bill", from: "2025-12-12", to: "2026-01-13" });
  expect(step(step(current, -1, "en", bills), 1, "en", bills)).toEqual(current);
});

test("a chosen stretch steps by its own length", () => {
  expect(step({ kind: "custom", from: "2026-02-27", to: "2026-03-02" }, 1, "en")).toEqual({ kind: "custom", from: "2026-03-02", to: "2026-03-05" });
});

test.each([
  ["2026-11-01", "2026-11-02", "15m"],
  ["2026-11-01", "2026-11-08", "hour"],
  ["2026-09-01", "2026-11-08", "day"],
  ["2026-01-01", "2026-11-08", "week"],
] as const)("%s to %s is drawn by %s", (from, to, expected) => {
  expect(chartStep({ kind: "custom", from, to })).toBe(expected);
});
