import { expect, test } from "vitest";
import { backoff, connectionAt } from "./live";

test.each([
  [null, 0, 5_000, "connecting"],
  [null, 0, 12_000, "late"],
  [null, 0, 61_000, "offline"],
  [0, 0, 9_000, "live"],
  [0, 0, 39_000, "live"],
  [0, 0, 44_000, "live"],
  [0, 0, 46_000, "late"],
  [0, 0, 60_000, "offline"],
] as const)("heard at %s, opened at %s, now %s is %s", (heard, opened, now, expected) => {
  expect(connectionAt(heard, opened, now)).toBe(expected);
});

test("the pause grows to half a minute and stays there", () => {
  expect(backoff(0, 0.5)).toBe(1000);
  expect(backoff(3, 0.5)).toBe(8000);
  expect(backoff(50, 0.5)).toBe(30_000);
  expect(backoff(50, 0)).toBeGreaterThan(20_000);
});
