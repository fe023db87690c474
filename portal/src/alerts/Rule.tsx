import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, type FormEvent } from "react";
import { ApiError, ask, client as api } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import type { AlertRefusal, AlertRule } from "@/shared/api/types";
import { toPosition } from "@/shared/format/decimal";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { alertKind, type AlertKind } from "@/shared/ui/alertKinds";
import { Button } from "@/shared/ui/Button";
import { Select, Switch } from "@/shared/ui/Choice";
import { toast } from "@/shared/ui/toast";

type Parameters = Record<string, unknown>;

/** The number of a rule that a person sets; a rule without one is only on or off. */
const numbers: Partial<Record<AlertKind, string>> = {
  excessive_consumption: "threshold",
  bill_jump: "percent",
  bill_jump_year: "percent",
  forecast_over_budget: "amount",
  always_on: "percent",
  unusual_day: "percent",
  meter_silent: "minutes",
  invoice_due: "days_before",
};

const units = ["kwh", "money", "w"] as const;
/** So long power has to stay above its limit where nobody chose, in minutes. */
const usualMinutes = 15;
/** The parameters whose range the page can say. */
const ranges = ["threshold", "percent", "amount", "minutes", "days_before", "for_minutes"] as const;
const refusals = ["always", "never", "every_bill"] as const;
const stretches = ["hour", "day", "bill"] as const;

export function Rule({ rule }: { rule: AlertRule }) {
  const t = useT();
  const { usagePoint, format } = useSession();
  const client = useQueryClient();
  const kind = alertKind(rule.kind);
  const name = kind ? numbers[kind] : undefined;
  const parameters = rule.parameters as Parameters;
  const [draft, setDraft] = useState<Parameters>(parameters);
  const save = useMutation({
    mutationFn: (body: { enabled: boolean; parameters: Parameters }) =>
      ask(api.PUT("/api/v1/usage-points/{id}/alert-rules/{kind}", { params: { path: { id: usagePoint.id, kind: rule.kind } }, body: body as never })),
    onSuccess: () => {
      toast(t("alerts.saved"));
      void client.invalidateQueries({ queryKey: ["alerts"] });
    },
  });
  const mute = useMutation({
    mutationFn: (hours: number) => ask(api.POST("/api/v1/usage-points/{id}/alert-rules/{kind}/mute", { params: { path: { id: usagePoint.id, kind: rule.kind } }, body: { hours } })),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["alerts"] }),
  });
  const title = kind ? t(`rule.${kind}.title`) : rule.kind;
  const text = name ? String(draft[name] ?? "") : "";
  const changed = JSON.stringify(draft) !== JSON.stringify(parameters);
  const number = text.trim().replace(",", ".");
  // A parameter keeps the kind of value that the server gave it: decimals travel as text. Only a limit of
  // power has to last.
  const { for_minutes: minutes, ...rest } = draft;
  const lasting = draft["unit"] === "w" ? { for_minutes: Number(minutes ?? usualMinutes) } : {};
  const asked = name ? { ...rest, ...lasting, [name]: typeof parameters[name] === "number" ? Number(number) : number } : parameters;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name) save.mutate({ enabled: true, parameters: asked });
  };
  const sign = kind === "excessive_consumption" ? { kwh: "kWh", money: format.currency, w: "W" }[String(draft["unit"])] : name && { percent: "%", amount: format.currency, minutes: "min", days_before: t("rule.days") }[name];
  return (
    <li className="border-b border-hairline py-4 last:border-0 last:pb-0">
      <div className="flex items-center justify-between gap-4">
        <p className="font-semibold">{title}</p>
        <Switch label={title} checked={rule.enabled} disabled={save.isPending} onChange={(enabled) => save.mutate({ enabled, parameters })} />
      </div>
      {name && rule.enabled && (
        <form onSubmit={submit} className="mt-2 flex flex-wrap items-end gap-3">
          <label className="field min-w-0">
            <span className="text-sm text-muted">{kind && t(`rule.${kind}.field` as "rule.bill_jump.field")}</span>
            <span className="flex items-center gap-2">
              <input
                className="input tabular max-w-28"
                inputMode="decimal"
                value={text}
                onChange={(event) => setDraft({ ...draft, [name]: event.target.value })}
                aria-invalid={save.error ? true : undefined}
              />
              {kind !== "excessive_consumption" && <span className="text-muted">{sign}</span>}
            </span>
          </label>
          {kind === "excessive_consumption" && (
            <>
              <Select
                label={t("rule.unit")}
                hideLabel
                choices={units.map((unit) => ({ value: unit, label: { kwh: "kWh", money: format.currency, w: "W" }[unit] }))}
                value={String(draft["unit"]) as (typeof units)[number]}
                onChange={(unit) => setDraft({ ...draft, unit })}
              />
              {draft["unit"] === "w" ? (
                <label className="field min-w-0">
                  <span className="text-sm text-muted">{t("rule.for_minutes")}</span>
                  <input
                    className="input tabular max-w-20"
                    inputMode="numeric"
                    value={String(minutes ?? usualMinutes)}
                    onChange={(event) => setDraft({ ...draft, for_minutes: event.target.value.replace(/\D/g, "") })}
                  />
                </label>
              ) : (
                <Select
                  label={t("rule.per")}
                  hideLabel
                  choices={stretches.map((per) => ({ value: per, label: t(`rule.per.${per}`) }))}
                  value={String(draft["per"]) as (typeof stretches)[number]}
                  onChange={(per) => setDraft({ ...draft, per })}
                />
              )}
            </>
          )}
          {changed && (
            <Button type="submit" kind="primary" disabled={save.isPending || text.trim() === ""}>
              {t("alerts.save")}
            </Button>
          )}
        </form>
      )}
      {rule.enabled && kind && <Preview kind={kind} parameters={asked} />}
      {rule.enabled && (
        <p className="mt-2 -ml-3 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
          {rule.muted_until && <span className="ml-3">{t("alerts.muted", { until: format.dayTime(rule.muted_until) })}</span>}
          <Button small kind="plain" disabled={mute.isPending} onClick={() => mute.mutate(rule.muted_until ? 0 : 168)} aria-label={rule.muted_until ? undefined : t("alerts.muteNamed", { name: title })}>
            {t(rule.muted_until ? "alerts.unmute" : "alerts.mute")}
          </Button>
        </p>
      )}
      {save.error && kind && <Refused error={save.error} kind={kind} parameters={save.variables?.parameters ?? {}} />}
    </li>
  );
}

/** Why a rule was not saved: it would always or never tell here, or its number is out of range. */
function Refused({ error, kind, parameters }: { error: Error; kind: AlertKind; parameters: Parameters }) {
  const t = useT();
  const { usagePoint } = useSession();
  const { data } = useQuery({ ...queries.preview(usagePoint.id, kind, parameters), enabled: error instanceof ApiError });
  const words = useRefusal(parameters);
  const range = error instanceof ApiError ? ranges.find((known) => known === error.field) : undefined;
  const detail = error instanceof ApiError ? error.detail : t("state.failed");
  return (
    <p role="alert" className="mt-2 text-sm font-semibold text-danger">
      {data?.refusal ? words(data.refusal, data.days) : range ? t(`rule.range.${range}`) : detail}
    </p>
  );
}

/** Writes why a rule is refused, with its figures in the rule's unit. */
function useRefusal(parameters: Parameters) {
  const t = useT();
  const { format } = useSession();
  return ({ code, reason, told, highest }: AlertRefusal, days: number) => {
    const known = refusals.find((one) => one === code);
    if (!known) return reason;
    const value = highest ?? "0";
    const written = {
      money: () => format.money(value),
      w: () => format.powerText(toPosition(value)),
      kwh: () => format.energyText(Math.round(toPosition(value) * 1000)),
    }[String(parameters["unit"]) as (typeof units)[number]];
    return t(`alerts.refusal.${known}`, { told: told ?? 0, days, highest: written?.() ?? value });
  };
}

/** How often the rule, as it stands in the form, would have told in the last thirty days. */
function Preview({ kind, parameters }: { kind: AlertKind; parameters: Parameters }) {
  const t = useT();
  const { usagePoint, format } = useSession();
  const [settled, setSettled] = useState(parameters);
  const text = JSON.stringify(parameters);
  // While somebody types, only the last of the numbers is asked about.
  useEffect(() => {
    const timer = setTimeout(() => setSettled(JSON.parse(text) as Parameters), 300);
    return () => clearTimeout(timer);
  }, [text]);
  const { data, error } = useQuery(queries.preview(usagePoint.id, kind, settled));
  const words = useRefusal(settled);
  if (error instanceof ApiError) return null;
  return (
    <p role="status" className="mt-2 min-h-5 text-sm text-muted">
      {data?.refusal && <span className="text-danger">{words(data.refusal, data.days)}</span>}
      {data && !data.refusal && data.days === 0 && t("alerts.previewNone")}
      {data && !data.refusal && data.days > 0 && (
        <>
          {t("alerts.preview", { count: data.times.length, days: 30 })} {data.times.slice(-4).map((time) => format.dayTime(time)).join(" · ")}
        </>
      )}
    </p>
  );
}
