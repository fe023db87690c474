import { useSyncExternalStore } from "react";

const media = () => window.matchMedia("(prefers-color-scheme: dark)");

function isDark(): boolean {
  const chosen = document.documentElement.dataset["theme"];
  return chosen === "dark" || (chosen !== "light" && media().matches);
}

/** Is the page dark? For what CSS does not reach: a canvas. */
export function useDark(): boolean {
  return useSyncExternalStore((watch) => {
    const query = media();
    const observer = new MutationObserver(watch);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    query.addEventListener("change", watch);
    return () => {
      observer.disconnect();
      query.removeEventListener("change", watch);
    };
  }, isDark);
}
