import { expect, test } from "vitest";
import { addDays, addMonths, civilDateAt, daysBetween, hoursOf, instantOf, isCivilDate, midnight, wallTimeAt } from "./civil";

test.each([
  ["2026-02-28", 1, "2026-03-01"],
  ["2024-02-28", 1, "2024-02-29"],
  ["2026-01-01", -1, "2025-12-31"],
])("%s %i days on is %s", (date, days, expected) => {
  expect(addDays(date, days)).toBe(expected);
});

test.each([
  ["2026-01-31", 1, "2026-02-28"],
  ["2026-03-31", -1, "2026-02-28"],
  ["2025-12-15", 1, "2026-01-15"],
  ["2024-02-29", 12, "2025-02-28"],
])("%s %i months on is %s", (date, months, expected) => {
  expect(addMonths(date, months)).toBe(expected);
});

test.each([
  ["2026-02-30", false],
  ["2026-13-01", false],
  ["2026-2-1", false],
  ["2024-02-29", true],
])("%s is a date: %s", (text, expected) => {
  expect(isCivilDate(text)).toBe(expected);
});

test.each([
  // Spring forward and back again, in both hemispheres; half an hour on Lord Howe; none in Bahia.
  ["2013-03-31", "Europe/London", 23],
  ["2013-10-27", "Europe/London", 25],
  ["2018-11-04", "America/Sao_Paulo", 23],
  ["2019-02-16", "America/Sao_Paulo", 25],
  ["2026-10-04", "Australia/Lord_Howe", 23.5],
  ["2026-11-23", "America/Bahia", 24],
])("%s in %s has %d hours", (date, zone, hours) => {
  expect(hoursOf(date, zone)).toBe(hours);
});

test("a day may begin at one in the morning", () => {
  // São Paulo changed at midnight: 00:00 was 01:00.
  expect(midnight("2018-11-04", "America/Sao_Paulo").toISOString()).toBe("2018-11-04T03:00:00.000Z");
});

test("a time shown twice is the first of the two", () => {
  expect(instantOf("2013-10-27T01:30", "Europe/London").toISOString()).toBe("2013-10-27T00:30:00.000Z");
});

test("a time never shown is the instant of the change", () => {
  expect(instantOf("2013-03-31T01:30", "Europe/London").toISOString()).toBe("2013-03-31T01:00:00.000Z");
});

test("wall time and instant are inverse", () => {
  const at = new Date("2026-11-23T17:05:00Z");
  expect(wallTimeAt(at, "America/Bahia")).toBe("2026-11-23T14:05");
  expect(instantOf("2026-11-23T14:05", "America/Bahia")).toEqual(at);
});

test("the civil date is the zone's own", () => {
  expect(civilDateAt(new Date("2026-11-24T01:00:00Z"), "America/Bahia")).toBe("2026-11-23");
  expect(daysBetween("2026-10-31", "2026-12-01")).toBe(31);
});
