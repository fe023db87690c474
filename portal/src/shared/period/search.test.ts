import * as v from "valibot";
import { expect, test } from "vitest";
import { historySearch } from "./search";

test.each([
  [{ p: "week", from: "2026-11-01" }, { p: "week", from: "2026-11-01" }],
  [{ p: "decade", from: "2026-02-30", u: "euro", cmp: "moon" }, {}],
  [{ p: "custom", from: "2026-11-01", to: "2026-11-05", sel: "1764000000..1764003600" }, { p: "custom", from: "2026-11-01", to: "2026-11-05", sel: "1764000000..1764003600" }],
  [{ rt: "2026-02-31T10:00" }, {}],
  [{ rt: "2026-02-28T24:00" }, {}],
  [{ rt: "2026-02-28T23:59:59" }, { rt: "2026-02-28T23:59:59" }],
  [{ sel: "<script>", rt: "yesterday", r: "at" }, { r: "at" }],
])("%j becomes %j", (typed, expected) => {
  const parsed = Object.fromEntries(Object.entries(v.parse(historySearch, typed)).filter(([, value]) => value !== undefined));
  expect(parsed).toEqual(expected);
});
