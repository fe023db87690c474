import type { Key, Translate } from "@/shared/i18n/i18n";

// The words that tariff files use for their periods of the day.
const known: Record<string, Key> = {
  fora_ponta: "tariff.period.offPeak",
  off_peak: "tariff.period.offPeak",
  intermediario: "tariff.period.shoulder",
  intermediaria: "tariff.period.shoulder",
  shoulder: "tariff.period.shoulder",
  ponta: "tariff.period.peak",
  peak: "tariff.period.peak",
};

/** A tariff's period of the day in the reader's language; one of the tariff's own as it is written there. */
export function periodName(t: Translate, word: string): string {
  const key = known[word.toLowerCase().replaceAll("-", "_")];
  if (key) return t(key);
  const text = word.replaceAll("_", " ");
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
