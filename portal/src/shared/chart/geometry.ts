import { scaleLinear } from "d3-scale";

/** Where the plot lies in the drawing. */
export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** What a part of a bar stands for: the periods of the day, and below them what is charged beside energy. */
export type PartKind = "base" | "off_peak" | "shoulder" | "peak";

/** A value that is drawn, or null where it is unknown. */
export interface Datum {
  value: number | null;
  /** From the floor up. What of the value they leave is off-peak, as all of it is without them. */
  parts?: readonly { kind: PartKind; value: number }[];
  /** The own past, or a chosen comparison. */
  reference?: number | null;
  estimated?: boolean;
}

export interface Bar {
  index: number;
  x: number;
  y: number;
  width: number;
  height: number;
  estimated: boolean;
  /** From the floor up; their heights add up to the bar's. */
  segments: Segment[];
}

export interface Segment {
  kind: PartKind;
  y: number;
  height: number;
}

/** A stretch of neighbours that are all unknown. */
export interface Gap {
  first: number;
  last: number;
  x: number;
  width: number;
}

export interface Tick {
  value: number;
  at: number;
}

export interface BarPlot {
  bars: Bar[];
  references: { index: number; x: number; width: number; y: number; height: number }[];
  gaps: Gap[];
  ticks: Tick[];
  most: number;
  /** The width that one datum takes, with its spacing. */
  band: number;
  centre: (index: number) => number;
  y: (value: number) => number;
}

/** The largest tick, a round number at or above the greatest value. */
export function niceMost(values: readonly (number | null | undefined)[], count = 4, least = 0): { least: number; most: number; ticks: number[] } {
  const greatest = Math.max(least, ...values.filter((value) => value !== null && value !== undefined));
  const scale = scaleLinear().domain([least, greatest > least ? greatest : least + 1]).nice(count);
  const [low = 0, most = 1] = scale.domain();
  return { least: low, most, ticks: scale.ticks(count) };
}

/** The room that the labels of an axis need beside it, by the widths of the font's letters at the size of an axis. */
export function axisRoom(labels: readonly string[]): number {
  const width = (label: string) => [...label].reduce((sum, letter) => sum + (/[\s.,:'’]/.test(letter) ? 3.6 : /[mMW%]/.test(letter) ? 11 : 7.5), 0);
  return Math.max(28, Math.ceil(Math.max(0, ...labels.map(width))) + 10);
}

/** All that a datum draws. */
export function heights(datum: Datum): (number | null | undefined)[] {
  return [datum.value, datum.reference, ...(datum.value === null ? (datum.parts ?? []).map((part) => part.value) : [])];
}

/** Bars beside each other, from zero up. An unknown value has no bar: it has a gap. */
export function barPlot(data: readonly Datum[], frame: Frame, fixedMost?: number): BarPlot {
  const { most, ticks } = niceMost(
    fixedMost === undefined ? data.flatMap(heights) : [fixedMost],
  );
  const plotWidth = Math.max(0, frame.width - frame.left - frame.right);
  const floor = frame.height - frame.bottom;
  const y = scaleLinear().domain([0, most]).range([floor, frame.top]);
  const band = data.length === 0 ? plotWidth : plotWidth / data.length;
  // The spacing shrinks with the band, so that a hundred bars stay bars.
  const space = Math.min(band * 0.28, 10);
  const width = Math.max(0.5, band - space);

  const bars: Bar[] = [];
  const references: BarPlot["references"] = [];
  const gaps: Gap[] = [];
  data.forEach((datum, index) => {
    const x = frame.left + index * band;
    if (datum.reference !== null && datum.reference !== undefined) {
      const top = y(datum.reference);
      references.push({ index, x: x + space / 4, width: Math.max(0.5, band - space / 2), y: top, height: floor - top });
    }
    // Of an unknown value only what is charged beside energy is known, and it stands before the gap.
    const base = (datum.parts ?? []).filter((part) => part.kind === "base");
    const drawn = datum.value ?? base.reduce((sum, part) => sum + part.value, 0);
    if (datum.value !== null || drawn > 0) {
      const top = y(Math.max(0, drawn));
      bars.push({
        index,
        x: x + space / 2,
        y: top,
        width,
        height: floor - top,
        estimated: datum.estimated ?? false,
        segments: segments(datum.value === null ? base : (datum.parts ?? []), drawn, y),
      });
    }
    if (datum.value !== null) return;
    const before = gaps.at(-1);
    if (before && before.last === index - 1) {
      before.last = index;
      before.width += band;
    } else {
      gaps.push({ first: index, last: index, x, width: band });
    }
  });
  return {
    bars,
    references,
    gaps,
    ticks: ticks.map((value) => ({ value, at: y(value) })),
    most,
    band,
    centre: (index) => frame.left + (index + 0.5) * band,
    y,
  };
}

function segments(parts: NonNullable<Datum["parts"]>, value: number, y: (value: number) => number): Segment[] {
  const found: Segment[] = [];
  let below = 0;
  const add = (kind: PartKind, size: number) => {
    const above = Math.min(Math.max(value, 0), below + Math.max(0, size));
    if (above <= below) return;
    found.push({ kind, y: y(above), height: y(below) - y(above) });
    below = above;
  };
  for (const part of parts) add(part.kind, part.value);
  add("off_peak", value - below);
  return found;
}

export interface Point {
  at: number;
  value: number | null;
}

export interface LinePlot {
  /** Unbroken runs of known points, in pixels. */
  runs: { x: number; y: number }[][];
  /** Between them: where nothing is known. */
  gaps: { x: number; width: number }[];
  ticks: Tick[];
  most: number;
  x: (at: number) => number;
  y: (value: number) => number;
}

/** Lines over time. An unknown point ends a run, and so does a silence longer than `silence`. */
export function linePlot(
  points: readonly Point[],
  frame: Frame,
  from: number,
  to: number,
  options: { silence?: number; most?: number; least?: number } = {},
): LinePlot {
  const { least, most, ticks } = niceMost(
    options.most === undefined ? points.map((point) => point.value) : [options.most],
    3,
    options.least ?? 0,
  );
  const x = scaleLinear().domain([from, to]).range([frame.left, Math.max(frame.left, frame.width - frame.right)]);
  const y = scaleLinear().domain([least, most]).range([frame.height - frame.bottom, frame.top]);
  const runs: { x: number; y: number }[][] = [];
  let open = false;
  const gaps: { x: number; width: number }[] = [];
  let before = Number.NEGATIVE_INFINITY;
  let known: number | null = null;
  for (const point of points) {
    if (point.value === null || (options.silence !== undefined && point.at - before > options.silence)) open = false;
    if (point.value !== null) {
      if (!open) runs.push([]);
      // What is unknown at either end is not a gap but not drawn yet.
      if (!open && known !== null) gaps.push({ x: x(known), width: x(point.at) - x(known) });
      open = true;
      runs.at(-1)?.push({ x: x(point.at), y: y(point.value) });
      known = point.at;
    }
    before = point.at;
  }
  return { runs, gaps, ticks: ticks.map((value) => ({ value, at: y(value) })), most, x, y };
}

/** Which of n labels to write so that they do not touch, beginning with the first. */
export function labelStride(count: number, room: number, needed: number): number {
  if (count === 0) return 1;
  const fits = Math.max(1, Math.floor(room / needed));
  const raw = Math.ceil(count / fits);
  return [1, 2, 3, 4, 6, 7, 8, 12, 14, 24, 28, 48].find((stride) => stride >= raw) ?? raw;
}
