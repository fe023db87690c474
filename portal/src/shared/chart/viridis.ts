// The viridis scale at nine stops: even to the eye, and readable without colour vision.
const stops = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
] as const;

/** The colour of a share in [0, 1]. In light theme dark means more, in dark theme bright does. */
export function viridis(share: number, dark: boolean): string {
  const at = Math.min(1, Math.max(0, dark ? share : 1 - share)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  const [a, b] = [stops[low] ?? stops[0], stops[low + 1] ?? stops[0]];
  const mixed = a.map((value, index) => Math.round(value + ((b[index] ?? value) - value) * (at - low)));
  return `rgb(${mixed.join(" ")})`;
}
