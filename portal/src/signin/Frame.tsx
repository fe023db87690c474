import type { ReactNode } from "react";
import type { Locale } from "@/shared/i18n/locale";
import { useI18n } from "@/shared/i18n/i18n";
import { Select } from "@/shared/ui/Choice";

/** What every page without a session looks like: the product beside the form. */
export function Frame({ children }: { children: ReactNode }) {
  const { t, locale, change } = useI18n();
  return (
    <main className="grid min-h-dvh content-start rail:grid-cols-[minmax(0,5fr)_minmax(0,6fr)] rail:content-stretch">
      <Welcome />
      <div className="mx-auto grid w-full min-w-0 max-w-xl content-start gap-4 px-4 py-4 rail:content-center rail:px-8 rail:py-8">
        <div className="flex justify-end">
          <Select<Locale>
            label={t("settings.language")}
            hideLabel
            choices={[
              { value: "pt-BR", label: "Português" },
              { value: "en", label: "English" },
              { value: "es", label: "Español" },
            ]}
            value={locale}
            onChange={(next) => void change(next)}
          />
        </div>
        {children}
      </div>
    </main>
  );
}

/** A day's load, drawn as the meter line that the product is about. */
function Welcome() {
  const { t } = useI18n();
  return (
    <div className="m-4 mb-0 overflow-hidden rounded-2xl bg-welcome p-6 text-white rail:mb-4 rail:me-0 rail:flex rail:flex-col rail:justify-between rail:p-12">
      <div className="flex items-center gap-3">
        <svg aria-hidden="true" width="40" height="40" viewBox="0 0 32 32" fill="none" stroke="currentColor" strokeWidth="3.2" strokeLinecap="round">
          <path d="M22.6 10.2a8.8 8.8 0 1 0 0 11.6M12.6 16H28" />
        </svg>
        <span className="text-2xl font-semibold tracking-tight">Corrente</span>
      </div>
      <p className="mt-6 max-w-md text-[1.75rem]/tight font-semibold tracking-tight text-balance rail:mt-0 rail:text-5xl/[1.1]">{t("signin.promise")}</p>
      <svg aria-hidden="true" viewBox="0 0 480 150" fill="none" className="mt-6 hidden w-full rail:block">
        {load.map((height, hour) => (
          <rect key={hour} x={hour * 20} y={150 - height} width="12" height={height} rx="3" fill="currentColor" opacity={hour < 17 ? 0.9 : 0.28} />
        ))}
      </svg>
    </div>
  );
}

// Heights by the hour of a usual day; the last hours are yet to come.
const load = [22, 18, 17, 16, 18, 30, 74, 88, 52, 38, 36, 48, 80, 64, 44, 40, 50, 72, 118, 146, 132, 104, 66, 36];
