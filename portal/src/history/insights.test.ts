import { expect, test } from "vitest";
import type { Interval } from "@/shared/api/types";
import { alwaysOn, averageDay, days, highest } from "./insights";

const hour = (start: string, wh: number | null): Interval =>
  wh === null
    ? { start, end: start, expectedWh: null, expectedAmount: null, fixedAmount: null, quality: "missing" }
    : { start, end: start, expectedWh: null, expectedAmount: null, fixedAmount: null, quality: "measured", wh, amount: null, totalAmount: null, atLeast: false, parts: [] };

test("hours fall into their days, unknown ones stay unknown, future ones are neither", () => {
  const [first, second] = days([hour("2026-11-01T00:00:00-03:00", 100), hour("2026-11-01T01:00:00-03:00", null)], "2026-11-01", "2026-11-03");
  expect(first?.hours.slice(0, 3)).toEqual([100, null, undefined]);
  expect(second?.hours.every((wh) => wh === undefined)).toBe(true);
});

test("the hour that the wall shows twice is the sum of both", () => {
  const [day] = days([hour("2013-10-27T01:00:00+01:00", 100), hour("2013-10-27T01:00:00+00:00", 50)], "2013-10-27", "2013-10-28");
  expect(day?.hours[1]).toBe(150);
});

test("the average leaves out what is unknown", () => {
  const of = [
    { date: "2026-11-01", hours: [100, null] },
    { date: "2026-11-02", hours: [200, null] },
  ];
  expect(averageDay(of).slice(0, 2)).toEqual([150, null]);
});

test("always on needs five whole days and takes their median low", () => {
  const whole = (low: number) => ({ date: "2026-11-01", hours: Array.from({ length: 24 }, (_, h) => (h === 3 ? low : 500)) });
  expect(alwaysOn([whole(90), whole(95), whole(100), whole(110)])).toBeNull();
  expect(alwaysOn([whole(90), whole(95), whole(100), whole(110), whole(2000)])).toEqual({ watts: 100, days: 5 });
});

test("the highest come first, and only known ones", () => {
  expect(highest([hour("a", 1), hour("b", null), hour("c", 3), hour("d", 2)], 2).map((found) => found.start)).toEqual(["c", "d"]);
});
