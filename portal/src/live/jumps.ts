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

/** Something that was on: from its jump up until the jump down that undoes most of it. */
export interface Use {
  /** Epoch seconds. */
  from: number;
  /** Null while it is on. */
  to: number | null;
  watts: number;
}

/** Jumps up, each with the first later jump down of about its size. */
export function uses(found: readonly Jump[]): Use[] {
  const taken = new Set<Jump>();
  return found.flatMap((up, index) => {
    if (up.watts <= 0) return [];
    const down = found.slice(index + 1).find((jump) => jump.watts < 0 && !taken.has(jump) && -jump.watts >= up.watts * 0.6 && -jump.watts <= up.watts * 1.4);
    if (down) taken.add(down);
    return [{ from: up.at, to: down?.at ?? null, watts: up.watts }];
  });
}
