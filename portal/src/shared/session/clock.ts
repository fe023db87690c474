/** Business time as the server keeps it: it may be simulated, so the device's own clock says nothing. */
export interface Clock {
  now: () => Date;
  /** Real milliseconds per simulated millisecond is 1 / factor. */
  factor: number;
}

export function createClock(serverNow: string, factor: number, monotonic: () => number = () => performance.now()): Clock {
  const start = Date.parse(serverNow);
  const began = monotonic();
  return { factor, now: () => new Date(start + (monotonic() - began) * factor) };
}
