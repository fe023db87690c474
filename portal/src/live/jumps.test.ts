import { expect, test } from "vitest";
import { jumps, uses } from "./jumps";

test.each([
  ["a shower goes on and off", [[0, 100], [10, 5500], [20, 5500], [30, 100], [40, 100]], [[10, 5400], [30, -5400]]],
  ["a spike is no jump", [[0, 100], [1, 900], [2, 100], [10, 100]], []],
  ["a ramp is one jump", [[0, 100], [2, 500], [4, 1000], [20, 1000]], [[2, 900]]],
  ["a murmur is none", [[0, 100], [10, 350], [20, 120]], []],
] as const)("%s", (_, samples, expected) => {
  expect(jumps(samples).map(({ at, watts }) => [at, watts])).toEqual(expected);
});

test.each([
  ["on and off", [[10, 5400], [550, -5300]], [[10, 550, 5400]]],
  ["still on", [[10, 5400]], [[10, null, 5400]]],
  ["two at once", [[10, 5400], [60, 1000], [200, -1050], [550, -5300]], [[10, 550, 5400], [60, 200, 1000]]],
  ["something else goes off", [[10, 5400], [60, -900]], [[10, null, 5400]]],
] as const)("%s", (_, found, expected) => {
  expect(uses(found.map(([at, watts]) => ({ at, watts }))).map(({ from, to, watts }) => [from, to, watts])).toEqual(expected);
});
