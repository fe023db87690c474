import { QueryClientProvider, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useState, useTransition } from "react";
import { ApiError } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import type { Me } from "@/shared/api/types";
import type { Locale } from "@/shared/i18n/locale";
import { I18nProvider, useI18n } from "@/shared/i18n/i18n";
import { loadMessages, type Messages } from "@/shared/i18n/messages";
import { nearestLocale } from "@/shared/i18n/locale";
import { Button } from "@/shared/ui/Button";
import { Toasts } from "@/shared/ui/toast";
import { SigninScreen } from "@/signin/SigninScreen";
import { router } from "./router";

// A code is claimed once; who has a password or a session never needs it.
const ClaimScreen = lazy(async () => ({ default: (await import("@/signin/ClaimScreen")).ClaimScreen }));

interface AppProps {
  client: QueryClient;
  locale: Locale;
  messages: Messages;
}

export function App({ client, ...language }: AppProps) {
  const [{ locale, messages }, setLanguage] = useState(language);
  const [, begin] = useTransition();
  const change = useCallback(
    async (next: Locale) => {
      const loaded = await loadMessages(next);
      begin(() => setLanguage({ locale: next, messages: loaded }));
      document.documentElement.lang = next;
      // Known to the server where there is a session; the page changes either way.
      document.cookie = `lang=${next};path=/;max-age=31536000;samesite=lax`;
    },
    [begin],
  );
  return (
    <QueryClientProvider client={client}>
      <I18nProvider locale={locale} messages={messages} change={change}>
        <Root />
        <Toasts />
      </I18nProvider>
    </QueryClientProvider>
  );
}

/** Signed in: the pages. Signed out: the sign-in, in place, so that the address is still there afterwards. */
function Root() {
  const { t, locale, change } = useI18n();
  const client = useQueryClient();
  const me = useQuery(queries.me());
  const options = useQuery(queries.options());
  const [ended, setEnded] = useState(false);
  const [path, setPath] = useState(() => window.location.pathname);
  useEffect(() => {
    const follow = () => setPath(window.location.pathname);
    window.addEventListener("popstate", follow);
    return () => window.removeEventListener("popstate", follow);
  }, []);

  // Any answer that says "signed out" ends the session on the page too.
  useEffect(
    () =>
      client.getQueryCache().subscribe((event) => {
        if (event.type !== "updated" || event.action.type !== "error") return;
        const error = event.action.error as unknown;
        if (!(error instanceof ApiError) || !error.signedOut || client.getQueryData(["me"]) === null) return;
        client.setQueryData(["me"], null);
        setEnded(true);
      }),
    [client],
  );

  // The language that the account prefers wins over the one that the page came in.
  const preferred = me.data?.user?.language;
  useEffect(() => {
    if (preferred && nearestLocale(preferred) !== locale) void change(nearestLocale(preferred));
    // Only when the account changes: a choice on the page goes to the account by itself.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [preferred]);

  const error = me.error ?? options.error;
  if (me.data === undefined || !options.data) {
    if (!error) return <div className="min-h-dvh" aria-busy="true" />;
    return (
      <main className="grid min-h-dvh place-items-center p-6">
        <div role="alert" className="card grid max-w-md gap-4">
          <h1 className="text-lg font-semibold">{t("state.unreachable")}</h1>
          <p className="text-muted">{t("state.unreachableDetail")}</p>
          <Button kind="primary" onClick={() => void Promise.all([me.refetch(), options.refetch()])}>
            {t("state.retry")}
          </Button>
        </div>
      </main>
    );
  }
  if (me.data === null) {
    const enter = (signedIn: Me) => {
      setEnded(false);
      forget(client);
      const point = signedIn.usage_points[0];
      const young = !point?.first_reading || Date.parse(signedIn.now) - Date.parse(point.first_reading) < 86_400_000;
      // Home once it has something to say; a lab meter's history from the start.
      const start = young || signedIn.lab_id !== null ? "/historic" : "/";
      const here = window.location.pathname;
      if (["/", "/signin"].includes(here) || claims(here)) void router.navigate({ to: start, replace: true });
      client.setQueryData(["me"], signedIn);
    };
    const go = (to: string) => {
      window.history.pushState(null, "", to);
      setPath(to);
    };
    if (claims(path)) {
      return (
        <Suspense fallback={<div className="min-h-dvh" aria-busy="true" />}>
          <ClaimScreen code={codeIn(path)} first={options.data.first_steps} onSignedIn={enter} onBack={() => go("/signin")} />
        </Suspense>
      );
    }
    return <SigninScreen options={options.data} ended={ended} onSignedIn={enter} onClaim={() => go("/claim")} />;
  }
  return <RouterProvider router={router} />;
}

const claims = (path: string) => path === "/claim" || path.startsWith("/claim/");

function codeIn(path: string): string {
  try {
    return decodeURIComponent(path.split("/")[2] ?? "");
  } catch {
    return "";
  }
}

/** Nothing of the one before is left for the next. */
function forget(client: QueryClient) {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "options" && queryKey[0] !== "me" });
}
