import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { ask, client as api } from "@/shared/api/client";
import type { Locale } from "@/shared/i18n/locale";
import { useI18n } from "@/shared/i18n/i18n";
import { preference, setPreference, type Preference } from "@/shared/session/preferences";
import { useSession } from "@/shared/session/session";
import { Button, buttonClass } from "@/shared/ui/Button";
import { Panel } from "@/shared/ui/Card";
import { Segmented } from "@/shared/ui/Choice";
import { Icon } from "@/shared/ui/icons";
import { toast } from "@/shared/ui/toast";
import { DeliveryPanel } from "./DeliveryPanel";
import { FailedMessages } from "./FailedMessages";

type Theme = "auto" | "light" | "dark";

export function SettingsScreen() {
  const { t, locale, change } = useI18n();
  const { me, usagePoint, options, format } = useSession();
  const client = useQueryClient();
  const [theme, setTheme] = useState<Theme>(() => (document.documentElement.dataset["theme"] as Theme | undefined) ?? "auto");
  const [text, setText] = useState(() => preference("text"));
  const [unit, setUnit] = useState(() => preference("unit"));
  useEffect(() => {
    document.title = `${t("nav.settings")} · Corrente`;
  }, [t]);

  // A lab session has no account to remember a choice: the cookie alone does it there.
  const remember = async (body: { language?: string; theme?: string | null }) => {
    if (me.user === null) return;
    try {
      client.setQueryData(["me"], await ask(api.PATCH("/api/v1/me", { body })));
    } catch {
      toast(t("settings.notSaved"), "danger");
    }
  };
  const changeTheme = (next: Theme) => {
    setTheme(next);
    document.documentElement.dataset["theme"] = next;
    document.cookie = `theme=${next};path=/;max-age=${next === "auto" ? 0 : 31_536_000};samesite=lax`;
    void remember({ theme: next === "auto" ? null : next });
  };
  const leave = async (all: boolean) => {
    await ask(api.DELETE("/api/v1/session", { params: { query: all ? { all } : {} } })).catch(() => undefined);
    client.setQueryData(["me"], null);
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "options" && queryKey[0] !== "me" });
  };

  return (
    <div className="grid gap-4 rail:gap-6">
      <h1 className="text-2xl font-semibold">{t("nav.settings")}</h1>
      {/* The phone's bar has no room for these two. */}
      <nav aria-label={t("settings.pages")} className="flex flex-wrap gap-3 rail:hidden">
        <Link to="/events" className={buttonClass()}>
          <Icon name="tag" size={20} />
          {t("nav.events")}
        </Link>
        <Link to="/tariff" className={buttonClass()}>
          <Icon name="clock" size={20} />
          {t("nav.tariff")}
        </Link>
      </nav>
      <Panel title={t("settings.appearance")}>
        <Row name={t("settings.language")}>
          <Segmented<Locale>
            label={t("settings.language")}
            choices={[
              { value: "pt-BR", label: "Português" },
              { value: "en", label: "English" },
              { value: "es", label: "Español" },
            ]}
            value={locale}
            onChange={(next) => void change(next).then(() => remember({ language: next }))}
          />
        </Row>
        <Row name={t("settings.theme")}>
          <Segmented<Theme>
            label={t("settings.theme")}
            choices={(["auto", "light", "dark"] as const).map((value) => ({ value, label: t(`settings.theme.${value}`) }))}
            value={theme}
            onChange={changeTheme}
          />
        </Row>
        <Row name={t("settings.text")}>
          <Segmented<Preference<"text">>
            label={t("settings.text")}
            choices={(["normal", "large", "largest"] as const).map((value) => ({ value, label: t(`settings.text.${value}`) }))}
            value={text}
            onChange={(next) => {
              setText(next);
              setPreference("text", next);
            }}
          />
        </Row>
        <Row name={t("settings.unit")}>
          <Segmented<Preference<"unit">>
            label={t("settings.unit")}
            choices={[
              { value: "kwh", label: "kWh" },
              { value: "money", label: format.currencySign },
            ]}
            value={unit}
            onChange={(next) => {
              setUnit(next);
              setPreference("unit", next);
            }}
          />
        </Row>
      </Panel>
      {me.user && <DeliveryPanel />}
      {me.user && me.user.role !== "customer" && <FailedMessages />}
      <Panel title={t("settings.home")}>
        <table className="data">
          <tbody>
            <Fact name={t("settings.name")} value={usagePoint.name} />
            <Fact name={t("settings.address")} value={usagePoint.address || "–"} />
            <Fact name={t("settings.meter")} value={usagePoint.meter_serial ?? "–"} />
            <Fact name={t("settings.zone")} value={usagePoint.zone} />
            <Fact name={t("settings.first")} value={usagePoint.first_reading ? format.dateTime(usagePoint.first_reading) : "–"} />
            <Fact name={t("settings.last")} value={usagePoint.last_reading ? format.dateTime(usagePoint.last_reading) : "–"} />
          </tbody>
        </table>
      </Panel>
      <Panel title={t("settings.account")}>
        <p>
          {me.user ? (
            <>
              <span className="font-semibold">{me.user.name}</span>
              <br />
              <span className="text-muted">{me.user.email}</span>
            </>
          ) : (
            t("shell.labMeter", { id: me.lab_id ?? "" })
          )}
        </p>
        <div className="mt-4 flex flex-wrap gap-3">
          <Button icon="out" onClick={() => void leave(false)}>
            {t("settings.signOut")}
          </Button>
          {me.user && (
            <Button kind="plain" onClick={() => void leave(true)}>
              {t("settings.signOutAll")}
            </Button>
          )}
        </div>
      </Panel>
      <p className="text-xs text-muted">{t("settings.build", { build: options.build })}</p>
    </div>
  );
}

function Row({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-3 border-b border-hairline py-3 last:border-0">
      <span>{name}</span>
      {children}
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <tr>
      <th scope="row" className="!text-muted">
        {name}
      </th>
      <td className="text-end">{value}</td>
    </tr>
  );
}
