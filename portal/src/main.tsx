import { QueryClient } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "@/app/App";
import { registerWorker, reloadOnceWhenOutdated } from "@/app/worker";
import { ApiError } from "@/shared/api/client";
import type { Locale } from "@/shared/i18n/locale";
import type { Messages } from "@/shared/i18n/i18n";

/** Mounts the page in the language that is at hand. */
export function start(locale: Locale, messages: Messages) {
  const client = new QueryClient({
    defaultOptions: {
      queries: {
        // What the server refuses once it refuses again; only what did not arrive is worth a retry.
        retry: (count, error) => !(error instanceof ApiError) && count < 2,
        refetchOnWindowFocus: true,
        networkMode: "always",
      },
    },
  });
  reloadOnceWhenOutdated();
  registerWorker();
  const root = document.getElementById("root");
  if (!root) throw new Error("the page has no root element");
  createRoot(root).render(
    <StrictMode>
      <App client={client} locale={locale} messages={messages} />
    </StrictMode>,
  );
}
