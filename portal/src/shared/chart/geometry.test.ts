import { expect, test } from "vitest";
import { axisRoom, barPlot, labelStride, linePlot, niceMost, type Datum, type Frame } from "./geometry";

const frame: Frame = { width: 400, height: 200, left: 40, right: 0, top: 20, bottom: 20 };
const plotHeight = 160;

// A seed that fails can be run again: it is in the test's name.
function seeded(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each([1, 2, 3, 4, 5])("bars sum to the total (seed %i)", (seed) => {
  const random = seeded(seed);
  const data: Datum[] = Array.from({ length: 60 }, () => ({ value: random() < 0.2 ? null : Math.round(random() * 5000) }));
  const plot = barPlot(data, frame);
  const drawn = plot.bars.reduce((sum, bar) => sum + (bar.height / plotHeight) * plot.most, 0);
  const total = data.reduce((sum, datum) => sum + (datum.value ?? 0), 0);
  expect(drawn).toBeCloseTo(total, 6);
});

test.each([1, 2, 3, 4, 5])("the parts of a bar stand on each other and fill it (seed %i)", (seed) => {
  const random = seeded(seed);
  const data: Datum[] = Array.from({ length: 40 }, () => {
    const [base, low, high] = [random() * 300, random() * 900, random() * 400];
    // Some of the value may belong to no part, and rounding may leave the parts a little above it.
    return { value: base + low + high + (random() < 0.5 ? random() * 200 : -0.001), parts: [{ kind: "base" as const, value: base }, { kind: "off_peak" as const, value: low }, { kind: "peak" as const, value: high }] };
  });
  const plot = barPlot(data, frame);
  for (const bar of plot.bars) {
    expect(bar.segments.reduce((sum, segment) => sum + segment.height, 0)).toBeCloseTo(bar.height, 6);
    bar.segments.forEach((segment, index) => expect(segment.y + segment.height).toBeCloseTo(bar.segments[index - 1]?.y ?? frame.height - frame.bottom, 6));
  }
  const drawn = plot.bars.flatMap((bar) => bar.segments).reduce((sum, segment) => sum + (segment.height / plotHeight) * plot.most, 0);
  expect(drawn).toBeCloseTo(data.reduce((sum, datum) => sum + (datum.value ?? 0), 0), 6);
});

test("of an unknown value only its base is drawn, before the gap", () => {
  const plot = barPlot([{ value: null, parts: [{ kind: "base", value: 50 }, { kind: "peak", value: 70 }] }, { value: 100 }], frame);
  expect(plot.gaps.map(({ first, last }) => [first, last])).toEqual([[0, 0]]);
  expect(plot.bars[0]?.segments.map(({ kind }) => kind)).toEqual(["base"]);
  expect(((plot.bars[0]?.height ?? 0) / plotHeight) * plot.most).toBeCloseTo(50, 6);
});

test("a line has a gap wherever it is broken, and nothing is hatched at its ends", () => {
  const points = [null, 5, 6, null, null, 7, 8].map((value, at) => ({ at, value }));
  const plot = linePlot(points, frame, 0, 6);
  expect(plot.runs.map((run) => run.length)).toEqual([2, 2]);
  expect(plot.gaps).toHaveLength(1);
  expect(plot.gaps[0]?.x).toBeCloseTo(plot.x(2), 6);
  expect(plot.gaps[0]?.width).toBeCloseTo(plot.x(5) - plot.x(2), 6);
  // A silence is a gap, too.
  expect(linePlot([{ at: 0, value: 1 }, { at: 50, value: 2 }], frame, 0, 60, { silence: 10 }).gaps).toHaveLength(1);
});

test.each([1, 2, 3, 4, 5])("a gap never draws a bar, and every unknown value lies in a gap (seed %i)", (seed) => {
  const random = seeded(seed);
  const data: Datum[] = Array.from({ length: 96 }, () => ({ value: random() < 0.4 ? null : 100, reference: 80 }));
  const plot = barPlot(data, frame);
  const drawn = new Set(plot.bars.map((bar) => bar.index));
  const unknown = new Set(plot.gaps.flatMap((gap) => Array.from({ length: gap.last - gap.first + 1 }, (_, i) => gap.first + i)));
  data.forEach((datum, index) => {
    expect(drawn.has(index)).toBe(datum.value !== null);
    expect(unknown.has(index)).toBe(datum.value === null);
  });
  // Neighbours are one gap, and a gap is as wide as what it hides.
  plot.gaps.forEach((gap, index) => {
    expect(gap.width).toBeCloseTo((gap.last - gap.first + 1) * plot.band, 6);
    expect(plot.gaps[index + 1]?.first ?? Infinity).toBeGreaterThan(gap.last + 1);
  });
});

test("a zero is a bar without height, not a gap", () => {
  const plot = barPlot([{ value: 0 }, { value: 10 }], frame);
  expect(plot.bars[0]).toMatchObject({ index: 0, height: 0 });
  expect(plot.gaps).toEqual([]);
});

test("bars stay inside of the frame and apart from each other", () => {
  const plot = barPlot(Array.from({ length: 168 }, (_, index) => ({ value: index })), frame);
  for (const [index, bar] of plot.bars.entries()) {
    expect(bar.x).toBeGreaterThanOrEqual(frame.left);
    expect(bar.x + bar.width).toBeLessThanOrEqual(frame.width + 1e-9);
    const next = plot.bars[index + 1];
    if (next) expect(next.x).toBeGreaterThan(bar.x + bar.width);
  }
});

test("a line breaks at what is unknown and at a silence", () => {
  const points = [
    { at: 0, value: 1 },
    { at: 1, value: 2 },
    { at: 2, value: null },
    { at: 3, value: 3 },
    { at: 20, value: 4 },
  ];
  expect(linePlot(points, frame, 0, 20, { silence: 5 }).runs.map((run) => run.length)).toEqual([2, 1, 1]);
});

test("a frame that is narrower than its margins has gaps of no width, not of less", () => {
  const points = [{ at: 0, value: 1 }, { at: 1, value: null }, { at: 2, value: 1 }];
  const plot = linePlot(points, { ...frame, width: 30, right: 10 }, 0, 2);
  expect(plot.gaps.map((gap) => gap.width)).toEqual([0]);
});

test("an axis ends at a round number above all values", () => {
  expect(niceMost([3.2, null, 7.1]).most).toBe(8);
  expect(niceMost([]).most).toBe(1);
  expect(niceMost([15_792], 3, 15_700)).toMatchObject({ least: 15_700, most: 15_800 });
});

test("labels never touch", () => {
  for (const count of [5, 12, 24, 31, 96]) {
    const stride = labelStride(count, 300, 40);
    expect(Math.ceil(count / stride) * 40).toBeLessThanOrEqual(300 + 40);
  }
  expect(axisRoom(["R$ 1.000"])).toBeGreaterThan(axisRoom(["10"]));
});
