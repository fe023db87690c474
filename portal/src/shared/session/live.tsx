import { useQueryClient } from "@tanstack/react-query";
import { createContext, use, useEffect, useMemo, useSyncExternalStore, type ReactNode } from "react";
import { LiveStream, type LiveState } from "@/shared/api/live";
import type { Locale } from "@/shared/i18n/locale";

const idle: LiveState = { connection: "connecting", heardAt: null, now: null, recent: [], build: null, storing: true, alert: null };
const Context = createContext<LiveStream | null>(null);

/** Keeps the tab's one stream open for the chosen usage point, in the language of the page. */
export function LiveProvider({ usagePoint, language, children }: { usagePoint: string; language: Locale; children: ReactNode }) {
  const client = useQueryClient();
  const stream = useMemo(
    () =>
      new LiveStream(
        usagePoint,
        language,
        ({ kind }) => {
          void client.invalidateQueries({ queryKey: ["home"] });
          void client.invalidateQueries({ queryKey: kind === "alert" ? ["alerts"] : ["invoices"] });
          if (kind === "invoice") void client.invalidateQueries({ queryKey: ["invoice"] });
        },
        () => {
          for (const key of ["home", "usage", "stretch", "events", "tariff", "alerts", "invoices", "invoice", "readings"]) {
            void client.invalidateQueries({ queryKey: [key] });
          }
        },
      ),
    [usagePoint, language, client],
  );
  useEffect(() => {
    stream.start();
    return () => stream.stop();
  }, [stream]);
  return <Context value={stream}>{children}</Context>;
}

export function useLive(): LiveState {
  const stream = use(Context);
  return useSyncExternalStore(
    (watch) => stream?.subscribe(watch) ?? (() => undefined),
    () => stream?.get() ?? idle,
  );
}
