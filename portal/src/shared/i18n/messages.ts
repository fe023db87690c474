import type { MessageFormatElement } from "@formatjs/icu-messageformat-parser";
import type english from "./en.json";
import type { Locale } from "./locale";

export type Key = keyof typeof english;
/** A text, or what the build made of one with arguments (vite.config.ts). */
export type Messages = Record<Key, string | MessageFormatElement[]>;
/** Each language is a chunk of its own. */
export async function loadMessages(locale: Locale): Promise<Messages> {
  switch (locale) {
    case "en":
      return (await import("./en.json")).default;
    case "es":
      return (await import("./es.json")).default;
    case "pt-BR":
      return (await import("./pt-BR.json")).default;
  }
}
