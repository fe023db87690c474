export interface Jump {
  /** Epoch seconds. */
  at: number;
  watts: number;
}

/**
 * Steps of the power by at least `least` watts that still hold `hold` seconds later: something was
 * switched on or off. A spike that is over at once is none, and a ramp is one.
 */
export function jumps(samples: readonly (readonly [number, number])[], least = 300, hold = 5): Jump[] {
  const found: Jump[] = [];
  let level = samples[0]?.[1] ?? 0;
  for (let index = 1; index < samples.length; index += 1) {
    const [at, watts] = samples[index] ?? [0, level];
    const step = watts - level;
    if (Math.abs(step) < least) {
      level = watts;
      continue;
    }
    const later = samples.findIndex(([time], after) => after > index && time - at >= hold);
    // The newest step has no later yet: it counts until it proves to be a spike.
    const settled = samples[later === -1 ? samples.length - 1 : later]?.[1] ?? watts;
    const held = settled - level;
    if (Math.sign(held) !== Math.sign(step) || Math.abs(held) < least) continue;
    found.push({ at, watts: held });
    level = settled;
    if (later !== -1) index = later;
  }
  return found;
}
