export interface Jump {
  /** Epoch seconds. */
  at: number;
  watts: number;
}

/**
 * Steps of the power by at least `least` watts that still hold `hold` seconds later: something was
 * switched on or off. A spike that is over at once is none.
 */
export function jumps(samples: readonly (readonly [number, number])[], least = 300, hold = 5): Jump[] {
  const found: Jump[] = [];
  for (let index = 1; index < samples.length; index += 1) {
    const before = samples[index - 1];
    const here = samples[index];
    if (!before || !here) continue;
    const watts = here[1] - before[1];
    if (Math.abs(watts) < least) continue;
    const later = samples.slice(index + 1).find(([at]) => at - here[0] >= hold);
    const kept = later === undefined || Math.abs(later[1] - before[1]) >= Math.abs(watts) * 0.6;
    const last = found.at(-1);
    // A ramp over neighbouring samples is one jump.
    if (kept && last && here[0] - last.at <= hold && Math.sign(last.watts) === Math.sign(watts)) last.watts += watts;
    else if (kept) found.push({ at: here[0], watts });
  }
  return found;
}
