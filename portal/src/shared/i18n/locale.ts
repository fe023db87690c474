export type Locale = "pt-BR" | "en" | "es";
export const locales: readonly Locale[] = ["pt-BR", "en", "es"];

/** The supported language nearest to a tag: "pt-PT" is "pt-BR", "en-GB" is "en". */
export function nearestLocale(tag: string | null | undefined): Locale {
  const language = tag?.toLowerCase().split("-")[0];
  return locales.find((locale) => locale.toLowerCase().startsWith(language ?? "?")) ?? "pt-BR";
}
