/** Decimal strings ("143.20", "-12.5") come from the server and are shown, compared and drawn, never multiplied by a price. */

/** The number nearest to a decimal string: for geometry on the screen, never for an amount that is shown. */
export function toPosition(decimal: string): number {
  return Number(decimal);
}

export function isNegative(decimal: string): boolean {
  return decimal.startsWith("-") && !isZero(decimal);
}

export function isZero(decimal: string): boolean {
  return /^-?0*(\.0*)?$/.test(decimal);
}

export function absolute(decimal: string): string {
  return decimal.startsWith("-") ? decimal.slice(1) : decimal;
}

/** The whole minor units ("143.20" with 2 places is 14320n). Digits beyond the places are cut. */
export function toMinor(decimal: string, places: number): bigint {
  const [whole = "0", fraction = ""] = absolute(decimal).split(".");
  const minor = BigInt(whole + fraction.padEnd(places, "0").slice(0, places));
  return decimal.startsWith("-") ? -minor : minor;
}

/** The decimal string of whole minor units. */
export function fromMinor(minor: bigint, places: number): string {
  const sign = minor < 0n ? "-" : "";
  const digits = String(minor < 0n ? -minor : minor).padStart(places + 1, "0");
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** The exact sum of amounts. */
export function sum(decimals: readonly string[], places = 2): string {
  return fromMinor(decimals.reduce((total, decimal) => total + toMinor(decimal, places), 0n), places);
}
