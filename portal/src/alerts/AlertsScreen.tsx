import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, type FormEvent } from "react";
import { ApiError, ask, client as api } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import type { AlertEvent, AlertRule } from "@/shared/api/types";
import { useT, type Key } from "@/shared/i18n/i18n";
import { civilDateAt } from "@/shared/period/civil";
import { useSession } from "@/shared/session/session";
import { AlertSentence } from "@/shared/ui/AlertSentence";
import { Button } from "@/shared/ui/Button";
import { Card, Empty } from "@/shared/ui/Card";
import { Switch } from "@/shared/ui/Choice";
import { Icon } from "@/shared/ui/icons";
import { toast } from "@/shared/ui/toast";

export function AlertsScreen() {
  const t = useT();
  const { usagePoint } = useSession();
  const answer = useQuery(queries.alerts(usagePoint.id));
  useEffect(() => {
    document.title = `${t("nav.alerts")} · Corrente`;
  }, [t]);
  return (
    <div className="grid gap-4 rail:gap-6">
      <h1 className="text-2xl font-semibold">{t("nav.alerts")}</h1>
      <div className="grid items-start gap-4 rail:grid-cols-[minmax(0,1fr)_minmax(0,1fr)] rail:gap-6">
        <Card
          title={t("alerts.inbox")}
          size="h-48"
          answer={answer}
          empty={({ events }) => (events.length === 0 ? <Empty detail={t("alerts.noneDetail")}>{t("alerts.none")}</Empty> : null)}
        >
          {({ events }) => <Inbox events={events} />}
        </Card>
        <Card title={t("alerts.rules")} size="h-48" answer={answer} empty={({ rules }) => (rules.length === 0 ? <Empty>{t("alerts.noRules")}</Empty> : null)}>
          {({ rules }) => (
            <ul>
              {rules.map((rule) => (
                <Rule key={rule.kind} rule={rule} />
              ))}
            </ul>
          )}
        </Card>
      </div>
    </div>
  );
}

/** By day, the newest first. */
function Inbox({ events }: { events: readonly AlertEvent[] }) {
  const t = useT();
  const { format, usagePoint } = useSession();
  const client = useQueryClient();
  const read = useMutation({
    mutationFn: (id: string) => ask(api.POST("/api/v1/alerts/{id}/read", { params: { path: { id } } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["alerts"] });
      void client.invalidateQueries({ queryKey: ["home"] });
    },
  });
  const days = Map.groupBy(
    [...events].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)),
    (event) => civilDateAt(new Date(event.at), usagePoint.zone),
  );
  return (
    <>
      {[...days].map(([day, list]) => (
        <section key={day} aria-label={format.civilDay(day)}>
          <h3 className="mt-3 text-sm font-semibold text-muted first-letter:uppercase">{format.civilWeekday(day)}</h3>
          <ul>
            {list.map((event) => (
              <li key={event.id} className="flex gap-3 border-b border-hairline py-3 last:border-0">
                <Icon
                  name={event.state === "active" ? "warning" : "check"}
                  size={20}
                  className={event.state === "active" ? "mt-0.5 flex-none text-danger" : "mt-0.5 flex-none text-muted"}
                />
                <div className="min-w-0 grow">
                  <AlertSentence event={event} />
                  <p className="text-sm text-muted">
                    {event.until ? t("alerts.span", { from: format.time(event.at), until: format.dayTime(event.until) }) : t("alerts.since", { time: format.time(event.at) })}
                  </p>
                </div>
                {!event.read && (
                  <Button small className="self-center" disabled={read.isPending} onClick={() => read.mutate(event.id)}>
                    {t("alerts.read")}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

/** The one number of a rule that a person sets, and how it is read and written. */
const limits: Record<string, { parameter: string; unit: string; toField: (value: number) => number; fromField: (value: number) => number }> = {
  excessive_consumption: { parameter: "limit_wh", unit: "kWh", toField: (wh) => wh / 1000, fromField: (kwh) => Math.round(kwh * 1000) },
  bill_jump: { parameter: "percent", unit: "%", toField: (value) => value, fromField: (value) => value },
};

function Rule({ rule }: { rule: AlertRule }) {
  const t = useT();
  const { usagePoint } = useSession();
  const client = useQueryClient();
  const limit = limits[rule.kind];
  const current = limit ? Number(rule.parameters[limit.parameter]) : Number.NaN;
  const [text, setText] = useState(limit && Number.isFinite(current) ? String(limit.toField(current)) : "");
  const save = useMutation({
    mutationFn: (body: { enabled: boolean; parameters: Record<string, unknown> }) =>
      ask(api.PUT("/api/v1/usage-points/{id}/alert-rules/{kind}", { params: { path: { id: usagePoint.id, kind: rule.kind } }, body })),
    onSuccess: () => {
      toast(t("alerts.saved"));
      void client.invalidateQueries({ queryKey: ["alerts"] });
    },
  });
  const known = limit !== undefined;
  const title = known ? t(`rule.${rule.kind}.title` as Key) : rule.kind;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!limit) return;
    const was = rule.parameters[limit.parameter];
    const value = limit.fromField(Number(text.replace(",", ".")));
    // A parameter keeps the kind of value that the server gave it.
    save.mutate({ enabled: rule.enabled, parameters: { ...rule.parameters, [limit.parameter]: typeof was === "string" ? String(value) : value } });
  };
  return (
    <li className="border-b border-hairline py-4 last:border-0 last:pb-0">
      <div className="flex items-center justify-between gap-4">
        <p className="font-semibold">{title}</p>
        <Switch label={title} checked={rule.enabled} disabled={save.isPending} onChange={(enabled) => save.mutate({ enabled, parameters: rule.parameters })} />
      </div>
      {known && (
        <form onSubmit={submit} className="mt-2 flex flex-wrap items-end gap-3">
          <label className="field min-w-0">
            <span className="text-sm text-muted">{t(`rule.${rule.kind}.field` as Key)}</span>
            <span className="flex items-center gap-2">
              <input className="input max-w-28 tabular" inputMode="decimal" value={text} onChange={(event) => setText(event.target.value)} aria-invalid={save.error ? true : undefined} />
              <span className="text-muted">{limit?.unit}</span>
            </span>
          </label>
          <Button type="submit" disabled={save.isPending || text === "" || Number(text.replace(",", ".")) === limit?.toField(current)}>
            {t("alerts.save")}
          </Button>
        </form>
      )}
      {save.error && (
        <p role="alert" className="mt-2 text-sm font-semibold text-danger">
          {save.error instanceof ApiError ? save.error.detail : t("state.failed")}
        </p>
      )}
    </li>
  );
}
