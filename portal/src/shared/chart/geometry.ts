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

/** A value that is drawn, or null where it is unknown. */
export interface Datum {
  value: number | null;
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

/** The room that the labels of an axis need beside it. */
export function axisRoom(labels: readonly string[]): number {
  return Math.max(28, Math.ceil(Math.max(0, ...labels.map((label) => label.length)) * 6.6) + 10);
}

/** Bars beside each other, from zero up. An unknown value has no bar: it has a gap. */
export function barPlot(data: readonly Datum[], frame: Frame, fixedMost?: number): BarPlot {
  const { most, ticks } = niceMost(
    fixedMost === undefined ? data.flatMap((datum) => [datum.value, datum.reference]) : [fixedMost],
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
    if (datum.value !== null) {
      const top = y(datum.value);
      bars.push({ index, x: x + space / 2, y: top, width, height: floor - top, estimated: datum.estimated ?? false });
      return;
    }
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

export interface Point {
  at: number;
  value: number | null;
}

export interface LinePlot {
  /** Unbroken runs of known points, in pixels. */
  runs: { x: number; y: number }[][];
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
  const x = scaleLinear().domain([from, to]).range([frame.left, frame.width - frame.right]);
  const y = scaleLinear().domain([least, most]).range([frame.height - frame.bottom, frame.top]);
  const runs: { x: number; y: number }[][] = [];
  let open = false;
  let before = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    if (point.value === null || (options.silence !== undefined && point.at - before > options.silence)) open = false;
    if (point.value !== null) {
      if (!open) runs.push([]);
      open = true;
      runs.at(-1)?.push({ x: x(point.at), y: y(point.value) });
    }
    before = point.at;
  }
  return { runs, ticks: ticks.map((value) => ({ value, at: y(value) })), most, x, y };
}

/** Which of n labels to write so that they do not touch, beginning with the first. */
export function labelStride(count: number, room: number, needed: number): number {
  if (count === 0) return 1;
  const fits = Math.max(1, Math.floor(room / needed));
  const raw = Math.ceil(count / fits);
  return [1, 2, 3, 4, 6, 7, 8, 12, 14, 24, 28, 48].find((stride) => stride >= raw) ?? raw;
}
