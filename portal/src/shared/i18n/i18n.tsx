import { IntlMessageFormat } from "intl-messageformat";
import { createContext, use, useMemo, type ReactNode } from "react";
import type { Locale } from "./locale";
import type { Key, Messages } from "./messages";

export type { Key, Messages };

export type Args = Record<string, string | number>;
export type Translate = (key: Key, args?: Args) => string;

export function createTranslate(locale: Locale, messages: Messages): Translate {
  const parsed = new Map<Key, IntlMessageFormat>();
  return (key, args) => {
    const text = messages[key];
    if (typeof text === "string") return text;
    const format = parsed.get(key) ?? new IntlMessageFormat(text, locale);
    parsed.set(key, format);
    return format.format(args) as string;
  };
}

export interface I18n {
  locale: Locale;
  t: Translate;
  /** Changes the language of the page at once; the session remembers it. */
  change: (locale: Locale) => Promise<void>;
}

const Context = createContext<I18n | null>(null);

interface ProviderProps {
  locale: Locale;
  messages: Messages;
  change: (locale: Locale) => Promise<void>;
  children: ReactNode;
}

export function I18nProvider({ locale, messages, change, children }: ProviderProps) {
  const value = useMemo(() => ({ locale, change, t: createTranslate(locale, messages) }), [locale, messages, change]);
  return <Context value={value}>{children}</Context>;
}

export function useI18n(): I18n {
  const value = use(Context);
  if (!value) throw new Error("useI18n outside of I18nProvider");
  return value;
}

export function useT(): Translate {
  return useI18n().t;
}
