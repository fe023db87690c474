import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { ask, client as api } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import type { AlertEvent } from "@/shared/api/types";
import { useT } from "@/shared/i18n/i18n";
import { civilDateAt } from "@/shared/period/civil";
import { useSession } from "@/shared/session/session";
import { AlertSentence } from "@/shared/ui/AlertSentence";
import { Button } from "@/shared/ui/Button";
import { Card, Empty } from "@/shared/ui/Card";
import { Icon } from "@/shared/ui/icons";
import { Rule } from "./Rule";

export function AlertsScreen() {
  const t = useT();
  const { me, usagePoint } = useSession();
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
            <>
              <ul>
                {rules.map((rule) => (
                  <Rule key={rule.kind} rule={rule} />
                ))}
              </ul>
              {me.user && (
                <p className="mt-4 text-sm">
                  <Link to="/settings" className="inline-flex min-h-11 items-center pt-2 text-sm font-semibold text-brand">
                    {t("alerts.channels")}
                  </Link>
                </p>
              )}
            </>
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
