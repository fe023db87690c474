import * as v from "valibot";
import { isCivilDate } from "./civil";
import { periodKinds } from "./period";

const date = v.fallback(v.optional(v.pipe(v.string(), v.check(isCivilDate))), undefined);
const isWallTime = (text: string) => /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/.test(text) && isCivilDate(text.slice(0, 10));
const wall = v.fallback(v.optional(v.pipe(v.string(), v.check(isWallTime))), undefined);

/** What an address of the history may say. Anything else becomes the nearest valid view. */
export const historySearch = v.object({
  /** The kind of period. */
  p: v.fallback(v.optional(v.picklist(periodKinds)), undefined),
  /** A date within the period; without one, today. */
  from: date,
  /** The day after the last of a chosen stretch. */
  to: date,
  /** Money or energy. */
  u: v.fallback(v.optional(v.picklist(["money", "kwh"])), undefined),
  /** What stands behind the bars. */
  cmp: v.fallback(v.optional(v.picklist(["expected", "prev", "year", "none"])), undefined),
  view: v.fallback(v.optional(v.picklist(["chart", "list"])), undefined),
  /** A selected stretch: "start..end", seconds since 1970. */
  sel: v.fallback(v.optional(v.pipe(v.string(), v.regex(/^\d{9,11}\.\.\d{9,11}$/))), undefined),
  /** Readings: everything, from, until, exactly at. */
  r: v.fallback(v.optional(v.picklist(["all", "from", "until", "at"])), undefined),
  rt: wall,
});

export type HistorySearch = v.InferOutput<typeof historySearch>;
