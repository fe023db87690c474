/** Choices that belong to this device: kept in plain cookies, which hold nothing about a person. */
const names = { text: ["normal", "large", "largest"], unit: ["kwh", "money"] } as const;

type Name = keyof typeof names;
export type Preference<N extends Name> = (typeof names)[N][number];

export function preference<N extends Name>(name: N): Preference<N> {
  const found = new RegExp(`(?:^|; )${name}=(\\w+)`).exec(document.cookie)?.[1];
  const known: readonly Preference<N>[] = names[name];
  return known.find((value) => value === found) ?? (known[0] as Preference<N>);
}

export function setPreference<N extends Name>(name: N, value: Preference<N>) {
  document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`;
  if (name === "text") applyTextSize();
}

/** Before the first paint, and at each change. */
export function applyTextSize() {
  document.documentElement.dataset["text"] = preference("text");
}
