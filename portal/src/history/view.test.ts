import { expect, test } from "vitest";
import { viewOf } from "./view";

const known = { today: "2026-11-23", earliest: "2025-03-10", locale: "en", bills: [], lab: false, unit: "kwh" as const };

test.each([
  ["custom", "2026-11-01", "2026-11-08", "2026-11-01", "2026-11-08"],
  // What no meter can know becomes what it can.
  ["custom", "0001-01-01", "9999-12-31", "2025-03-10", "2026-11-24"],
  ["custom", "2026-11-20", "2026-11-10", "2026-11-09", "2026-11-10"],
  ["custom", "2030-01-01", "2030-02-01", "2026-11-23", "2026-11-24"],
  ["custom", undefined, undefined, "2026-11-17", "2026-11-24"],
  ["custom", "2026-11-01", undefined, "2026-11-01", "2026-11-24"],
  ["day", "0001-01-01", undefined, "2025-03-10", "2025-03-11"],
  ["day", "9999-12-31", undefined, "2026-11-23", "2026-11-24"],
  ["month", "1999-05-05", undefined, "2025-03-01", "2025-04-01"],
] as const)("%s from %s to %s is %s to %s", (p, from, to, first, until) => {
  expect(viewOf({ p, from, to }, known).period).toMatchObject({ kind: p, from: first, to: until });
});

test("before the first reading every view is of today", () => {
  expect(viewOf({ p: "custom", from: "2020-01-01", to: "2020-02-01" }, { ...known, earliest: null }).period).toMatchObject({ from: "2026-11-23", to: "2026-11-24" });
});

test.each([
  ["1764000000..1764003600", [1764000000, 1764003600]],
  ["1764003600..1764000000", null],
  ["100000000..99999999999", null],
])("the selection %s is %j", (sel, expected) => {
  expect(viewOf({ sel }, known).selection).toEqual(expected);
});
