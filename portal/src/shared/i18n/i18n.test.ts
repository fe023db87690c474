import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createTranslate, type Args, type Key } from "./i18n";
import { loadMessages } from "./messages";
import { nearestLocale } from "./locale";

const languages = ["en", "pt-BR", "es"] as const;
const raw = Object.fromEntries(
  languages.map((language) => [language, JSON.parse(readFileSync(new URL(`./${language}.json`, import.meta.url), "utf8")) as Record<string, string>]),
);

type Part = { type: number; value?: string; options?: Record<string, { value: Part[] }> };

/** The arguments of a compiled text: a literal (0), a pound (7) and a tag (8) have none. */
function names(parts: unknown): string[] {
  if (typeof parts === "string") return [];
  const found = (parts as Part[]).flatMap(({ type, value, options }) => [
    ...(type >= 1 && type <= 6 && value !== undefined ? [value] : []),
    ...Object.values(options ?? {}).flatMap((option) => names(option.value)),
  ]);
  return [...new Set(found)].sort();
}

test.each(languages)("%s has every text of English, with the same arguments, in the same order", async (language) => {
  const [compiled, translated] = [await loadMessages("en"), await loadMessages(language)];
  const [english, other] = [raw["en"] ?? {}, raw[language] ?? {}];
  expect(Object.keys(other)).toEqual(Object.keys(english));
  for (const key of Object.keys(english) as Key[]) {
    expect(other[key]?.trim(), key).toBeTruthy();
    expect(names(translated[key]), key).toEqual(names(compiled[key]));
  }
});

test.each(languages)("%s can write every one of its texts", async (language) => {
  const messages = await loadMessages(language);
  const t = createTranslate(language, messages);
  const args: Args = new Proxy({}, { get: () => 2, has: () => true, getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) });
  for (const key of Object.keys(messages) as Key[]) expect(t(key, args), key).not.toMatch(/[{}]/);
});

test("no text shouts", () => {
  for (const language of languages) for (const [key, text] of Object.entries(raw[language] ?? {})) expect(text, key).not.toContain("!");
});

test("every text is used, and no file writes its own", () => {
  const source = readdirSync(new URL("../../", import.meta.url), { recursive: true, withFileTypes: true })
    .filter((file) => /\.tsx?$/.test(file.name) && !file.name.includes(".test."))
    .map((file) => readFileSync(`${file.parentPath}/${file.name}`, "utf8"))
    .join("\n");
  for (const key of Object.keys(raw["en"] ?? {})) {
    const family = key.slice(0, key.lastIndexOf("."));
    const built = [...source.matchAll(/`([\w.]+)\.\$\{/g)].some(([, prefix]) => prefix !== undefined && (family === prefix || family.startsWith(`${prefix}.`)));
    expect(built || source.includes(`"${key}"`), `${key} is not used`).toBe(true);
  }
});

test.each([
  ["pt-PT", "pt-BR"],
  ["en-GB", "en"],
  ["es-UY", "es"],
  ["de", "pt-BR"],
  [null, "pt-BR"],
])("%s is served in %s", (tag, expected) => {
  expect(nearestLocale(tag)).toBe(expected);
});
